import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, PageQuery, pageOf, Timestamp } from '../../http/index.ts'
import { isGrantable, PERMISSIONS } from '../../users/index.ts'
import { type ApiKey, KEY_STATUSES } from './store.ts'

/** Days that a key is good for unless its maker says otherwise; and at most. */
export const DEFAULT_DAYS = 90
const MAX_DAYS = 366

const names = [...PERMISSIONS.keys()]
const Name = Type.String({ minLength: 1, maxLength: 100, description: 'What it is for.' })
/** Every permission, so that one that is for no key gets an answer that says so. */
const Scope = Type.String({
  enum: names,
  description: `A permission; keys are given ${names.filter(isGrantable).join(', ')}.`,
})
const Status = Type.Enum([...KEY_STATUSES])

const FIELDS = {
  id: Id,
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  status: Status,
  created_by: Id,
  created_at: Timestamp,
  expires_at: Timestamp,
  last_used_at: Nullable(Type.String({ format: 'date-time', description: 'To a minute.' })),
  last_used_from: Nullable(Type.String({ description: 'The /24 or /48 that it was used from.' })),
  revoked_at: Nullable(Timestamp),
  revoked_by: Nullable(Id),
}

export const ApiKeyBody = Exactly(FIELDS, { $id: 'ApiKey' })

export const NewApiKeyBody = Exactly(
  {
    ...FIELDS,
    key: Type.String({ description: 'The key itself: shown this once, and kept by nobody but you.' }),
  },
  { $id: 'NewApiKey' },
)

export const ApiKeyPage = pageOf(ApiKeyBody, 'ApiKeyPage')
export const ApiKeyQuery = Exactly({ ...PageQuery, status: Type.Optional(Status) })
export const ApiKeyParams = Exactly({ id: Id })

export const ApiKeyWish = Exactly({
  name: Name,
  scopes: Type.Array(Scope, { minItems: 1, maxItems: names.length, uniqueItems: true }),
  expires_in_days: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_DAYS,
      description: `Days that it is good for; ${DEFAULT_DAYS} by default.`,
    }),
  ),
})

export const ApiKeyRename = Exactly({ name: Name })

/** A key as the API writes one. */
export function presentApiKey(key: ApiKey): Static<typeof ApiKeyBody> {
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    status: key.status,
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt.toISOString(),
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    last_used_from: key.lastUsedFrom,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    revoked_by: key.revokedBy,
  }
}
