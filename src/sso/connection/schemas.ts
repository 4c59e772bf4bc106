import { type Static, Type } from 'typebox'
import { Exactly, httpErrors, Id, Timestamp } from '../../http/index.ts'
import { JOINING_ROLES } from '../tables.ts'
import type { ConnectionWish } from './service.ts'
import type { Connection } from './store.ts'

const Issuer = Type.String({
  minLength: 8,
  maxLength: 1024,
  description: 'As the provider’s own description spells it.',
})
const DefaultRole = Type.Enum([...JOINING_ROLES], { description: 'What somebody is who joins through it.' })
const Enabled = Type.Boolean({ description: 'Whether people get in through it.' })
const TrustsMfa = Type.Boolean({
  description: 'Whether a second factor that the provider saw (`mfa` in `amr`) counts as one here.',
})
/** RFC 6749 section 3.3. */
const Scope = Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,100}$' })

export const ConnectionUpdate = Exactly({
  issuer: Issuer,
  client_id: Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\x20-\\x7e]+$' }),
  client_secret: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 1024, pattern: '^[\\x20-\\x7e]+$' }), Type.Null()], {
      description:
        'Never shown again. Absent: the one that there is, for the same client; null: a client without one.',
    }),
  ),
  scopes: Type.Optional(Type.Array(Scope, { maxItems: 20, description: '`openid` is always asked for.' })),
  default_role: Type.Optional(DefaultRole),
  enabled: Type.Optional(Enabled),
  trusts_idp_mfa: Type.Optional(TrustsMfa),
})

export const ConnectionBody = Exactly(
  {
    id: Id,
    issuer: Issuer,
    client_id: Type.String(),
    client_authentication: Type.Enum(['secret', 'none']),
    scopes: Type.Array(Type.String()),
    default_role: DefaultRole,
    enabled: Enabled,
    trusts_idp_mfa: TrustsMfa,
    redirect_uri: Type.String({ description: 'What to register with the provider.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'SsoConnection' },
)

const SCOPES = ['openid', 'email', 'profile']

/** A connection as the API writes one: the secret is never part of it. */
export function presentConnection(
  connection: Connection,
  redirectUri: string,
): Static<typeof ConnectionBody> {
  return {
    id: connection.id,
    issuer: connection.issuer,
    client_id: connection.clientId,
    client_authentication: connection.sealedSecret === null ? 'none' : 'secret',
    scopes: [...connection.scopes],
    default_role: connection.defaultRole,
    enabled: connection.isEnabled,
    trusts_idp_mfa: connection.isMfaTrusted,
    redirect_uri: redirectUri,
    created_at: connection.createdAt.toISOString(),
    updated_at: connection.updatedAt.toISOString(),
  }
}

/** The other direction. Throws httpErrors.validationFailed. */
export function readConnection(update: Static<typeof ConnectionUpdate>): ConnectionWish {
  requireIssuer(update.issuer)
  return {
    issuer: update.issuer,
    clientId: update.client_id,
    ...(update.client_secret !== undefined && { secret: update.client_secret }),
    scopes: [...new Set(['openid', ...(update.scopes ?? SCOPES)])],
    defaultRole: update.default_role ?? 'member',
    isEnabled: update.enabled ?? true,
    isMfaTrusted: update.trusts_idp_mfa ?? false,
  }
}

/** Discovery 1.0 section 3: no query and no fragment; nor the address of the description in place of the issuer. */
function requireIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  const isIssuer =
    /^https?:\/\/[^\s?#@\\]+$/.test(issuer) && url?.hostname !== '' && !issuer.includes('/.well-known/')
  if (url && isIssuer) return
  throw httpErrors.validationFailed({ errors: [{ pointer: '/issuer', code: 'invalid-format' }] })
}
