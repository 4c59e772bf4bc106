import { recordAudit } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import { lockMembers } from '../../organizations/index.ts'
import { type FieldError, type Id, newId } from '../../platform/index.ts'
import type { TenantDb, TenantTx } from '../../tenancy/index.ts'
import { isGrantable, isPermitted, type Permission, type TenantUser } from '../../users/index.ts'
import { byKeyManager } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { AuthEvents } from '../events.ts'
import { apiKeyErrors, MAX_LIVE_KEYS } from './errors.ts'
import { hashSecret, newSecret, writeKey } from './key-text.ts'
import {
  type ApiKey,
  countLiveKeys,
  findKey,
  findMaker,
  insertKey,
  type KeyStatus,
  listKeys,
  renameKey,
  revokeKey,
} from './store.ts'

/** Who manages keys, as the guard admitted it. */
export interface KeyManager {
  readonly tenant: TenantDb
  readonly user: TenantUser
}

export interface KeyWish {
  readonly name: string
  readonly scopes: readonly string[]
  /** That it is good for. */
  readonly days: number
}

export interface ApiKeyService {
  /**
   * Makes a key. It is in the answer, and nowhere else.
   *
   * @throws authErrors.permissionDenied for more than the maker may do; httpErrors.validationFailed for what no key may;
   *   apiKeyErrors.tooManyKeys
   */
  create(manager: KeyManager, wish: KeyWish): Promise<{ readonly key: string; readonly made: ApiKey }>
  list(
    tenant: TenantDb,
    status: KeyStatus | undefined,
    after: Id | undefined,
    limit: number,
  ): Promise<ApiKey[]>
  /** @throws httpErrors.notFound */
  find(tenant: TenantDb, id: Id): Promise<ApiKey>
  /** @throws httpErrors.notFound */
  rename(manager: KeyManager, id: Id, name: string): Promise<ApiKey>
  /** Ends a key; one that has ended stays so. @throws httpErrors.notFound */
  revoke(manager: KeyManager, id: Id): Promise<void>
}

export function createApiKeyService(events: Publisher<AuthEvents>): ApiKeyService {
  return {
    create: async ({ tenant, user }, { name, scopes, days }) => {
      const [id, secret] = [newId(), newSecret()]
      const made = await tenant.transaction(async (tx) => {
        // Behind the lock nobody loses the right to make keys meanwhile, and what is counted stays true.
        await lockMembers(tx)
        await requireMaker(tx, user.id, scopes)
        if ((await countLiveKeys(tx)) >= MAX_LIVE_KEYS) throw apiKeyErrors.tooManyKeys()
        const fresh = { id, name, scopes: [...scopes], secretHash: hashSecret(secret), createdBy: user.id }
        const key = await insertKey(tx, fresh, days)
        await recordAudit(tx, byKeyManager('api_key.created', user.id, id, { scopes, days }))
        return key
      })
      events.publish('api_key.created', { keyId: id, by: user.id }, tenant.tenantId)
      return { key: writeKey({ id, secret }), made }
    },
    list: listKeys,
    find: async (tenant, id) => need(await findKey(tenant, id)),
    rename: ({ tenant, user }, id, name) =>
      tenant.transaction(async (tx) => {
        const key = need(await renameKey(tx, id, name))
        await recordAudit(tx, byKeyManager('api_key.renamed', user.id, id))
        return key
      }),
    revoke: async ({ tenant, user }, id) => {
      need(await findKey(tenant, id))
      const isRevoked = await tenant.transaction(async (tx) => {
        if (!(await revokeKey(tx, id, user.id))) return false
        await recordAudit(tx, byKeyManager('api_key.revoked', user.id, id))
        return true
      })
      if (isRevoked) events.publish('api_key.revoked', { keyId: id, by: user.id }, tenant.tenantId)
    },
  }
}

/** Throws authErrors.permissionDenied, httpErrors.validationFailed. */
async function requireMaker(tx: TenantTx, id: Id, scopes: readonly string[]): Promise<void> {
  const maker = await findMaker(tx, id)
  if (!maker?.isActive || !isPermitted(maker.role, 'api_keys.manage' satisfies Permission))
    throw authErrors.permissionDenied()
  const tooMuch = scopes.filter((scope) => !isPermitted(maker.role, scope))
  if (tooMuch.length > 0) {
    const detail = `A key may do no more than its maker, and your role lacks: ${tooMuch.join(', ')}.`
    throw authErrors.permissionDenied({ detail })
  }
  const errors = scopes.flatMap((scope, index): FieldError[] =>
    isGrantable(scope) ? [] : [{ pointer: `/scopes/${index}`, code: 'not-for-keys' }],
  )
  if (errors.length > 0)
    throw httpErrors.validationFailed({ detail: 'Some of these permissions are for no API key.', errors })
}

function need(key: ApiKey | undefined): ApiKey {
  if (!key) throw httpErrors.notFound({ detail: 'This organization has no such API key.' })
  return key
}
