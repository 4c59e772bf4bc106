import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable } from '../http/index.ts'
import { FullName } from '../users/index.ts'
import type { SignedIn } from './service.ts'

/** Whether it is an address is decided by `canonicalEmail`; the schema only bounds what gets there. */
export const Email = Type.String({ minLength: 3, maxLength: 254, description: 'An e-mail address.' })

export const NewPassword = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: '8 to 256 characters; common passwords and the account’s own names are refused.',
})

export const RegisterBody = Exactly({
  email: Email,
  password: NewPassword,
  full_name: Type.Optional(Nullable(FullName)),
})

export const LoginBody = Exactly({ email: Email, password: Type.String({ minLength: 1, maxLength: 1024 }) })

/** Room for an access token too: sent by mistake, it is no invalid body but an invalid token. */
export const RefreshBody = Exactly({ refresh_token: Type.String({ minLength: 1, maxLength: 4096 }) })

/** `AuthResponse` of the contract. */
export const AuthResponse = Exactly(
  {
    user: Exactly({
      id: Id,
      email: Type.String(),
      email_verified: Type.Boolean(),
      full_name: Nullable(Type.String()),
      is_active: Type.Boolean(),
      is_owner: Type.Optional(Type.Boolean({ description: 'Tenant users only.' })),
    }),
    access_token: Type.String(),
    token_type: Type.Literal('bearer'),
    expires_in: Type.Integer({ description: 'Seconds that the access token lives.' }),
    refresh_token: Type.String({ description: 'For one use at /api/v1/auth/refresh.' }),
    scope: Type.Enum(['core', 'tenant']),
    tenant_id: Type.Optional(Id),
  },
  { $id: 'AuthResponse' },
)

/** A sign-in as the contract writes one. */
export function presentSignedIn(signedIn: SignedIn): Static<typeof AuthResponse> {
  const { user, tokens, scope } = signedIn
  return {
    user: {
      id: user.id,
      email: user.email,
      email_verified: user.emailVerifiedAt !== null,
      full_name: user.fullName,
      is_active: user.isActive,
      ...(signedIn.scope === 'tenant' && { is_owner: signedIn.user.isOwner }),
    },
    access_token: tokens.accessToken,
    token_type: 'bearer',
    expires_in: tokens.expiresIn,
    refresh_token: tokens.refreshToken,
    scope,
    ...(signedIn.scope === 'tenant' && { tenant_id: signedIn.tenant.tenantId }),
  }
}
