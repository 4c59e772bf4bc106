import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, PageQuery, pageOf, Timestamp } from '../http/index.ts'
import { TENANT_ROLES, type TenantUser } from '../users/index.ts'
import type { MemberFilter } from './store.ts'

const Role = Type.Enum([...TENANT_ROLES])

export const MemberBody = Exactly(
  {
    id: Id,
    email: Type.String(),
    full_name: Nullable(Type.String()),
    role: Role,
    is_owner: Type.Boolean(),
    is_active: Type.Boolean(),
    is_linked: Type.Boolean({ description: 'Belongs to a platform user, and signs in as that.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'Member' },
)

export const MemberPage = pageOf(MemberBody, 'MemberPage')

export const MemberQuery = Exactly({
  ...PageQuery,
  role: Type.Optional(Role),
  status: Type.Optional(Type.Enum(['active', 'inactive'])),
  email: Type.Optional(
    Type.String({ minLength: 1, maxLength: 254, description: 'How the address begins, in any case.' }),
  ),
})

export const MemberParams = Exactly({ id: Id })
export const RoleChange = Exactly({ role: Role })
export const Transfer = Exactly({ member_id: Id })

/** A member as the API writes one. */
export function presentMember(user: TenantUser): Static<typeof MemberBody> {
  return {
    id: user.id,
    email: user.email,
    full_name: user.fullName,
    role: user.role,
    is_owner: user.isOwner,
    is_active: user.isActive,
    is_linked: user.coreUserId !== null,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  }
}

/** What a query asks for besides its page. */
export function readMemberFilter({ role, status, email }: Static<typeof MemberQuery>): MemberFilter {
  return {
    role,
    isActive: status && status === 'active',
    // Addresses are stored so: see `canonicalEmail`.
    emailPrefix: email?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
  }
}
