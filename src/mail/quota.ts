import { createHash } from 'node:crypto'
import type { CoreDb } from '../tenancy/index.ts'
import { countMail, purgeRecipients } from './store.ts'

/** Mails of one kind that one person is sent in an hour. */
const PER_HOUR = 5

/** Says whether one more mail of a kind may be sent to an address, and counts it. */
export type MailQuota = (kind: string, address: string) => Promise<boolean>

/**
 * Keeps anybody from filling somebody's mailbox, with however many processes, networks and tenants.
 *
 * @param factor widens the limit; infinite means that there is none
 */
export function createMailQuota(core: CoreDb, factor: number): MailQuota {
  return async (kind, address) => {
    if (!Number.isFinite(factor)) return true
    const key = createHash('sha256')
      .update(`${kind} ${mailboxOf(address)}`)
      .digest('base64url')
    const isAllowed = await countMail(core, key, PER_HOUR * factor)
    await purgeRecipients(core)
    return isAllowed
  }
}

/**
 * What most providers deliver to the same mailbox counts as one: without the tag, without dots. Where a provider tells
 * them apart, two people share one limit; elsewhere nobody gets around it with a tag.
 */
export function mailboxOf(address: string): string {
  const at = address.lastIndexOf('@')
  const [name = ''] = address.slice(0, at).split('+', 1)
  return `${name.replaceAll('.', '')}${address.slice(at)}`
}
