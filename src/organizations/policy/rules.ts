import type { TenantTx } from '../../tenancy/index.ts'
import { policyErrors } from './errors.ts'
import { holdPolicy, type Policy } from './store.ts'

/** How somebody comes to an organization. */
export type Entry = 'registration' | 'invitation' | 'sso'

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
 * `closed` is closed to the invited too, and not to those whom the organization's own identity provider sends: that door has
 * its switches in the connection. The domains bind everybody who joins; those who are in stay.
 */
export function checkEntry(policy: Policy, entry: Entry, email: string): void {
  if (entry !== 'sso') checkOwnDoors(policy, entry)
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (policy.allowedEmailDomains.length > 0 && !policy.allowedEmailDomains.includes(domain))
    throw policyErrors.emailDomainNotAllowed()
}

function checkOwnDoors({ registration, isSsoOnly }: Policy, entry: Exclude<Entry, 'sso'>): void {
  if (isSsoOnly) throw policyErrors.ssoRequired()
  if (registration === 'closed') throw policyErrors.registrationClosed()
  if (registration === 'invite' && entry === 'registration') throw policyErrors.invitationRequired()
}
