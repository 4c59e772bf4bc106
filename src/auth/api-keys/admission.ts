import { timingSafeEqual } from 'node:crypto'
import type { Repeats } from '../../audit/index.ts'
import { coarseNetworkOf } from '../../http/index.ts'
import {
  appErrorIn,
  type Clock,
  currentClientAddress,
  describeWork,
  type Id,
  type Logger,
  runDetached,
} from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../../tenancy/index.ts'
import { keyRefused } from '../audit.ts'
import { authErrors } from '../errors.ts'
import { hashSecret, readKey } from './key-text.ts'
import { createMakerAccounts } from './maker-accounts.ts'
import type { KeyPrincipal } from './principal.ts'
import { findPresentedKey, noteUse, type PresentedKey } from './store.ts'

export interface KeyAdmissionOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly repeats: Repeats
  readonly clock: Clock
  readonly log: Logger
}

/** Lets machines in. */
export interface KeyAdmission {
  /**
   * Who a key is, in the organization that it is shown to. All that is wrong with it answers alike, also where there is
   * no such organization, or it is suspended: who has no key that is good learns nothing.
   *
   * @param token as it came in `Authorization`
   * @throws authErrors.invalidToken; tenancyErrors.tenantNotReady, tenantUnavailable, which pass
   */
  admit(token: string, tenantId: Id): Promise<KeyPrincipal>
  /** Waits for the notes of last uses: at shutdown, and in tests. */
  settle(): Promise<void>
}

/** Compared with where there is no key, so that both take as long. */
const NOBODYS = hashSecret('')

export function createKeyAdmission(options: KeyAdmissionOptions): KeyAdmission {
  const { tenancy, repeats, log } = options
  const isAccountActive = createMakerAccounts(options)
  const uses = createUseNotes(log)
  return {
    admit: async (token, tenantId) => {
      const parts = readKey(token)
      if (!parts) throw authErrors.invalidToken()
      const tenant = await tenancy.enter(tenantId).catch(refuseAlike)
      const key = await findPresentedKey(tenant, parts.id)
      const isProven = isSame(hashSecret(parts.secret), key?.secretHash ?? NOBODYS)
      if (!key) throw authErrors.invalidToken()
      const fault = isProven ? await faultOf(key, isAccountActive) : 'secret'
      if (fault !== undefined) {
        repeats.note(tenant, `api key ${tenantId} ${parts.id} ${fault}`, keyRefused(parts.id, fault))
        throw authErrors.invalidToken()
      }
      describeWork({ user_id: key.user.id, api_key_id: parts.id })
      if (key.isUseStale) uses.note(tenant, parts.id)
      const { user, scopes } = key
      return { via: 'key', tenant, user, keyId: parts.id, scopes, isFresh: false }
    },
    settle: uses.settle,
  }
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

async function faultOf(
  { status, user }: PresentedKey,
  isAccountActive: (coreUserId: Id) => Promise<boolean>,
): Promise<string | undefined> {
  if (status !== 'active') return status
  const { isActive, coreUserId } = user
  return isActive && (coreUserId === null || (await isAccountActive(coreUserId))) ? undefined : 'creator'
}

/** What is over in a moment stays 503: a machine that heard 401 would give its key up. */
function refuseAlike(error: unknown): never {
  const known = appErrorIn(error)
  throw known && known.status < 500 ? authErrors.invalidToken({ cause: error }) : error
}

/** Notes when keys are used, behind the answers, one write at a time for each. */
function createUseNotes(log: Logger) {
  const running = new Map<string, Promise<void>>()
  return {
    note: (tenant: TenantDb, id: Id): void => {
      const key = `${tenant.tenantId} ${id}`
      if (running.has(key)) return
      const network = coarseNetworkOf(currentClientAddress() ?? '') ?? null
      const noted = runDetached(() => noteUse(tenant, id, network))
        .catch((error) => log.warn({ err: error }, 'the use of an API key could not be noted'))
        .finally(() => running.delete(key))
      running.set(key, noted)
    },
    settle: async (): Promise<void> => {
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}
