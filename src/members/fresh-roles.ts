import { type Freshness, requireStepUp } from '../auth/index.ts'
import type { TenantRole } from '../users/index.ts'

/**
 * Refuses to give a role that runs the organization to who did not prove lately who it is. Who gets one signs in anew, and so
 * may do at once all that wants a proof: a stolen session, or a key, would have somebody else do what it may not.
 *
 * @throws secondFactorErrors.stepUpRequired
 */
export function requireFreshFor(role: TenantRole, giver: Freshness): void {
  if (role !== 'member') requireStepUp(giver)
}
