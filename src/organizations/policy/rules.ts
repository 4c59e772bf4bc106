import type { TenantTx } from '../../tenancy/index.ts'
import { policyErrors } from './errors.ts'
import { holdPolicy, type Policy } from './store.ts'

/** How somebody comes to an organization; `directory`: the organization itself says who its people are. */
export type Entry = 'registration' | 'invitation' | 'directory'

/**
 * Lets somebody join in this transaction, or refuses.
 *
 * @param email canonical
 * @throws policyErrors
 */
export async function admitNewMember(tx: TenantTx, entry: Entry, email: string): Promise<void> {
  checkEntry(await holdPolicy(tx), entry, email)
}

/**
 * `closed` is closed to the invited too, and no word to the organization's own directory. The domains bind everybody who
 * joins; those who are in stay.
 */
export function checkEntry(policy: Policy, entry: Entry, email: string): void {
  if (policy.registration === 'closed' && entry !== 'directory') throw policyErrors.registrationClosed()
  if (policy.registration === 'invite' && entry === 'registration') throw policyErrors.invitationRequired()
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (policy.allowedEmailDomains.length > 0 && !policy.allowedEmailDomains.includes(domain))
    throw policyErrors.emailDomainNotAllowed()
}
