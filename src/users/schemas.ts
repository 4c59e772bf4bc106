import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, Timestamp } from '../http/index.ts'
import { TENANT_ROLES } from './tables.ts'
import type { Impersonator, ProfileChanges, TenantUser } from './types.ts'

export const FullName = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'How the person is called.',
})

/** Whatever the product stores about a person. Not `Type.Record`: its pattern for names leaves those with a line break out. */
const Metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  description: 'Anything, at most 16 KiB as JSON.',
})

/** `TenantUser` of the contract. */
export const TenantUserBody = Exactly(
  {
    id: Id,
    email: Type.String({ format: 'email' }),
    email_verified: Type.Boolean(),
    full_name: Nullable(Type.String()),
    phone: Nullable(Type.String()),
    avatar_url: Nullable(Type.String()),
    is_owner: Type.Boolean(),
    is_active: Type.Boolean(),
    role: Type.Enum([...TENANT_ROLES]),
    metadata: Metadata,
    created_at: Timestamp,
    updated_at: Timestamp,
    impersonated_by: Type.Optional(
      Exactly(
        { id: Id, read_only: Type.Boolean(), expires_at: Timestamp },
        { description: 'The administrator of the platform who acts as this user, while one does.' },
      ),
    ),
  },
  { $id: 'TenantUser' },
)

/** What `PUT /users/me` takes: absent fields stay, null clears. */
export const ProfileUpdate = Exactly({
  full_name: Type.Optional(Nullable(FullName)),
  phone: Type.Optional(Nullable(Type.String({ pattern: '^[+]?[0-9][0-9 ().-]{1,30}[0-9]$', maxLength: 32 }))),
  avatar_url: Type.Optional(Nullable(Type.String({ pattern: '^https?://[!-~]+$', maxLength: 2048 }))),
  metadata: Type.Optional(Metadata),
})
export type ProfileUpdate = Static<typeof ProfileUpdate>

/** A user as the contract writes one. @param impersonator who acts as the user */
export function presentTenantUser(
  user: TenantUser,
  impersonator?: Impersonator | null,
): Static<typeof TenantUserBody> {
  return {
    id: user.id,
    email: user.email,
    email_verified: user.emailVerifiedAt !== null,
    full_name: user.fullName,
    phone: user.phone,
    avatar_url: user.avatarUrl,
    is_owner: user.isOwner,
    is_active: user.isActive,
    role: user.role,
    metadata: user.metadata,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
    ...(impersonator && {
      impersonated_by: {
        id: impersonator.id,
        read_only: impersonator.isReadOnly,
        expires_at: impersonator.expiresAt.toISOString(),
      },
    }),
  }
}

/** The other direction; text is kept in Unicode NFC, so that what looks equal is equal. */
export function readProfileUpdate(update: ProfileUpdate): ProfileChanges {
  return {
    ...(update.full_name !== undefined && { fullName: update.full_name?.normalize('NFC') ?? null }),
    ...(update.phone !== undefined && { phone: update.phone }),
    ...(update.avatar_url !== undefined && { avatarUrl: update.avatar_url }),
    ...(update.metadata !== undefined && { metadata: update.metadata }),
  }
}
