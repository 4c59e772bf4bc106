import { type Static, Type } from 'typebox'
import { Exactly, httpErrors, Id, Nullable, PageQuery, pageOf, Timestamp } from '../../http/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import { AuthResponse, Email } from '../schemas.ts'
import type { Started, Wish } from './service.ts'
import type { Impersonation } from './store.ts'

const DEFAULT_MINUTES = 15
const MAX_MINUTES = 60

export const StartBody = Exactly({
  user_id: Type.Optional(Id),
  email: Type.Optional(Email),
  reason: Type.String({
    minLength: 8,
    maxLength: 500,
    pattern: '^\\S[^\\u0000-\\u001f\\u007f]*\\S$',
    description: 'Why; those who run the organization read it.',
  }),
  read_only: Type.Optional(Type.Boolean({ description: 'Whether nothing may be changed; true by default.' })),
  minutes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_MINUTES,
      description: `How long it lasts; ${DEFAULT_MINUTES} by default.`,
    }),
  ),
})

export const ImpersonationBody = Exactly(
  {
    id: Id,
    organization_id: Id,
    user_id: Id,
    admin_id: Type.String({ ...Id, description: 'The administrator’s platform user.' }),
    reason: Type.String(),
    read_only: Type.Boolean(),
    created_at: Timestamp,
    expires_at: Timestamp,
    ended_at: Nullable(Timestamp),
    is_live: Type.Boolean(),
  },
  { $id: 'Impersonation' },
)

export const ImpersonationPage = pageOf(ImpersonationBody, 'ImpersonationPage')
export const ListQuery = Exactly(PageQuery)
export const ImpersonationParams = Exactly({ id: Id })

/** A sign-in without a refresh token. */
export const ImpersonationToken = Exactly(
  {
    user: AuthResponse.properties.user,
    access_token: Type.String(),
    token_type: Type.Literal('bearer'),
    expires_in: Type.Integer({ description: 'Seconds that the access token lives. Nothing prolongs it.' }),
    scope: Type.Literal('tenant'),
    tenant_id: Id,
    impersonation: ImpersonationBody,
  },
  { $id: 'ImpersonationToken' },
)

/** @throws httpErrors.validationFailed unless it names one user */
export function readWish(body: Static<typeof StartBody>): Wish {
  const { user_id: userId, email, reason, read_only: isReadOnly = true, minutes = DEFAULT_MINUTES } = body
  if ((userId === undefined) === (email === undefined))
    throw httpErrors.validationFailed({
      detail: 'Name the user either by "user_id" or by "email".',
      errors: [{ pointer: '/user_id', code: 'required' }],
    })
  // An address that is none is nobody's.
  const who = userId === undefined ? { email: canonicalEmail(email ?? '') ?? '' } : { userId }
  return { who, reason: reason.normalize('NFC'), isReadOnly, minutes }
}

export function presentImpersonation(impersonation: Impersonation): Static<typeof ImpersonationBody> {
  return {
    id: impersonation.id,
    organization_id: impersonation.organizationId,
    user_id: impersonation.userId,
    admin_id: impersonation.adminId,
    reason: impersonation.reason,
    read_only: impersonation.isReadOnly,
    created_at: impersonation.createdAt.toISOString(),
    expires_at: impersonation.expiresAt.toISOString(),
    ended_at: impersonation.endedAt?.toISOString() ?? null,
    is_live: impersonation.isLive,
  }
}

export function presentStarted(started: Started): Static<typeof ImpersonationToken> {
  const { user, impersonation, accessToken, expiresIn } = started
  return {
    user: {
      id: user.id,
      email: user.email,
      email_verified: user.emailVerifiedAt !== null,
      full_name: user.fullName,
      is_active: user.isActive,
      is_owner: user.isOwner,
    },
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: expiresIn,
    scope: 'tenant',
    tenant_id: impersonation.organizationId,
    impersonation: presentImpersonation({ ...impersonation, isLive: true }),
  }
}
