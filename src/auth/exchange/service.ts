import { recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors, type RateLimits, type RatePolicy } from '../../http/index.ts'
import { mayBeMember } from '../../organizations/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import { loggedIn } from '../audit.ts'
import type { AuthEvents } from '../events.ts'
import type { CorePrincipal } from '../guards.ts'
import type { SignedIn } from '../service.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { openExchanged } from './session.ts'
import { holdLinkedUser } from './store.ts'

/** Takes a core session to an organization. */
export interface TokenExchange {
  /**
   * Begins a session in an organization for a platform user who is an active member of it.
   *
   * @throws httpErrors.rateLimited; httpErrors.notFound, the same whether the organization exists or not; for members also
   *   tenancyErrors, policyErrors.ssoRequired
   */
  exchange(principal: CorePrincipal, organizationId: Id, origin: Origin): Promise<SignedIn>
}

export interface TokenExchangeOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'enter'>
  readonly sessions: Sessions
  readonly events: Publisher<AuthEvents>
  /** Counts the exchanges of each platform user, for this process. */
  readonly limits: Pick<RateLimits, 'spend'>
}

/** Each writes a session: of one user, over all organizations and networks. */
const EXCHANGE_RATE: RatePolicy = { name: 'exchange', limit: 30, windowSeconds: 60 }

export function createTokenExchange(options: TokenExchangeOptions): TokenExchange {
  const { core, tenancy, sessions, events, limits } = options
  return {
    exchange: async ({ user: { id: coreUserId }, sessionId: coreSessionId }, organizationId, origin) => {
      limits.spend(EXCHANGE_RATE, coreUserId)
      // Before anything is said about the organization; then its own database is asked, which has the truth.
      if (!(await mayBeMember(core, organizationId, coreUserId))) throw notMine()
      const tenant = await tenancy.enter(organizationId)
      const begun = await tenant.transaction(async (tx) => {
        const user = await holdLinkedUser(tx, coreUserId)
        if (!user) return undefined
        const session = await openExchanged(tx, options, user.id, coreSessionId, origin)
        await recordAuditLast(tx, loggedIn(user.id, session.sessionId, 'exchange'))
        return { user, session }
      })
      if (!begun) throw notMine()
      const { user, session } = begun
      events.publish('user.logged_in', { userId: user.id, scope: 'tenant' }, organizationId)
      const tokens = await sessions.issue({ scope: 'tenant', db: tenant }, session)
      return { scope: 'tenant', user, tenant, tokens }
    },
  }
}

function notMine() {
  return httpErrors.notFound({ detail: 'There is no such organization among yours.' })
}
