import { recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { AppError, type Id } from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../../tenancy/index.ts'
import { sessionsEnded } from '../audit.ts'
import type { AuthEvents } from '../events.ts'
import { dropTokens } from '../one-time/store.ts'
import { realmOf } from '../realm.ts'
import { tellEnds } from '../sessions/endings.ts'
import { revokeSessionsOf } from '../sessions/store.ts'
import { subjectsOf } from '../throttle/subjects.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { findAccount, findLinkedTenants, findLinkedUser } from './store.ts'

export interface LinkedSessionsOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'withTenant'>
  readonly throttle: Pick<Throttle, 'forgive'>
  readonly events: Publisher<AuthEvents>
}

/** A changed password forgives the failures of the one before; an operator, who disables an account, forgives none. */
type LinkedEnd = 'password' | 'operator'

/**
 * Ends the sessions that a core user has in organizations. One that cannot be reached keeps none of the others waiting.
 *
 * @returns the organizations that let nobody in now, or did not answer: there no refresh passes any more
 * @throws what else a tenant's database answered, after all others had their turn
 */
export async function endLinkedSessions(
  options: LinkedSessionsOptions,
  coreUserId: Id,
  reason: LinkedEnd,
): Promise<readonly Id[]> {
  const unreached: Id[] = []
  const errors: unknown[] = []
  for (const tenantId of await findLinkedTenants(options.core, coreUserId)) {
    try {
      await options.tenancy.withTenant(tenantId, (tenant) => endIn(options, tenant, coreUserId, reason))
    } catch (error) {
      if (error instanceof AppError) unreached.push(tenantId)
      else errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return unreached
}

async function endIn(
  { core, throttle, events }: LinkedSessionsOptions,
  tenant: TenantDb,
  coreUserId: Id,
  reason: LinkedEnd,
): Promise<void> {
  const userId = await findLinkedUser(tenant, coreUserId)
  if (userId === undefined) return
  const realm = realmOf(core, tenant)
  const ended = await tenant.transaction(async (tx) => {
    // Who knew the old password may have asked for another address there.
    await dropTokens(tx, userId, ['email-change'])
    const revoked = await revokeSessionsOf(tx, userId)
    const target = { kind: 'user', id: userId }
    if (revoked.length > 0) await recordAuditLast(tx, sessionsEnded(userId, target, reason, revoked.length))
    return revoked
  })
  tellEnds(events, realm, userId, ended, reason)
  const account = reason === 'password' ? await findAccount(tenant, userId) : undefined
  if (account) await throttle.forgive(...subjectsOf(realm, account))
}
