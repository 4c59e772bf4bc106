import type { Publisher } from '../../events/index.ts'
import type { AuthEvents } from '../events.ts'
import type { FactorOwner } from './owner.ts'

type SecondFactorEvent = Extract<keyof AuthEvents, `second_factor.${string}`>

/** Publishes what a user did to the own second factor. To be called after the commit. */
export function tellOfFactor(
  events: Publisher<AuthEvents>,
  { realm, userId }: FactorOwner,
  name: SecondFactorEvent,
): void {
  const tenantId = realm.scope === 'tenant' ? realm.db.tenantId : undefined
  events.publish(name, { userId, scope: realm.scope }, tenantId)
}
