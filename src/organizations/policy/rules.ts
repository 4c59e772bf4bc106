import type { TenantTx } from '../../tenancy/index.ts'
import { policyErrors } from './errors.ts'
import { holdPolicy, type Policy } from './store.ts'

/**
 * How somebody comes to an organization; `directory` and `sso`: the organization itself says who its people are, by SCIM or
 * by its identity provider.
 */
export type Entry = 'registration' | 'invitation' | 'directory' | 'sso'

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
 * `closed` is closed to the invited too, and no word to the organization's own directory or identity provider: those doors
 * have switches of their own. The domains bind everybody who joins; those who are in stay.
 */
export function checkEntry(policy: Policy, entry: Entry, email: string): void {
  if (entry === 'registration' || entry === 'invitation') checkOwnDoors(policy, entry)
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (policy.allowedEmailDomains.length > 0 && !policy.allowedEmailDomains.includes(domain))
    throw policyErrors.emailDomainNotAllowed()
}

function checkOwnDoors({ registration, isSsoOnly }: Policy, entry: 'registration' | 'invitation'): void {
  if (isSsoOnly) throw policyErrors.ssoRequired()
  if (registration === 'closed') throw policyErrors.registrationClosed()
  if (registration === 'invite' && entry === 'registration') throw policyErrors.invitationRequired()
}
