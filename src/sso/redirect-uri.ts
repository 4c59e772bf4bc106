import type { Config } from '../config.ts'
import type { Id } from '../platform/index.ts'

/**
 * Where an organization's provider sends browsers back to: each organization has an address of its own. With one for all,
 * an organization with a hostile provider could have the answer of another one's provider redeemed at its own (RFC 9700,
 * section 4.4).
 */
export function redirectUriOf({ callbackUrl }: Pick<Config['sso'], 'callbackUrl'>, tenantId: Id): string {
  return `${callbackUrl}/${tenantId}`
}
