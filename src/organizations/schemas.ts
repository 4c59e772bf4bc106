import { type Static, Type } from 'typebox'
import { Exactly, Id, Timestamp } from '../http/index.ts'
import { TENANT_ROLES } from '../users/index.ts'
import type { Organization, OrganizationOfMine } from './store.ts'

const ORGANIZATION = {
  id: Id,
  name: Type.String(),
  slug: Type.String(),
  database_name: Type.String({ description: 'The organization’s own PostgreSQL database.' }),
  owner_id: Id,
  is_active: Type.Boolean(),
  status: Type.Enum(['provisioning', 'active', 'failed', 'suspended']),
  created_at: Timestamp,
  updated_at: Timestamp,
}

/** `Organization` of the contract. */
export const OrganizationBody = Exactly(ORGANIZATION, { $id: 'Organization' })
export type OrganizationBody = Static<typeof OrganizationBody>

/** The same with what the one who asks is in it. */
export const MyOrganizationBody = Exactly(
  { ...ORGANIZATION, role: Type.Enum([...TENANT_ROLES], { description: 'Yours in this organization.' }) },
  { $id: 'MyOrganization' },
)

export const NewOrganizationBody = Exactly({
  name: Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' }),
  slug: Type.Optional(
    Type.String({ minLength: 1, maxLength: 63, description: 'Left out, it is made of the name.' }),
  ),
})

export const OrganizationParams = Exactly({ id: Id })

/** An organization as the contract writes one. */
export function presentOrganization(organization: Organization): OrganizationBody {
  return {
    id: organization.id,
    name: organization.name,
    slug: organization.slug,
    database_name: organization.databaseName,
    owner_id: organization.ownerId,
    is_active: organization.isActive,
    status: organization.status,
    created_at: organization.createdAt.toISOString(),
    updated_at: organization.updatedAt.toISOString(),
  }
}

/** One of the organizations of somebody. */
export function presentMine(organization: OrganizationOfMine): Static<typeof MyOrganizationBody> {
  return { ...presentOrganization(organization), role: organization.role }
}
