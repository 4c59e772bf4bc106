import { recordAudit } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import { sessionsEnded } from '../audit.ts'
import { type AnyTx, tidySessionsOf } from './store.ts'

/** More than the one that a sign-in adds, so that they get fewer; few, as each may have some thousand refresh tokens. */
const FORGOTTEN = 5
/** More than anybody has devices. Without a limit a client that signs in for every request fills the disk. */
const MOST = 100

/**
 * Makes room for one more session of a user, in the transaction that begins it: deletes some that are long over, and ends
 * those that were not used for the longest time where there are too many. Of several sign-ins at once each makes room for
 * itself, so there may be a few more until the next one.
 */
export async function makeRoom(tx: AnyTx, userId: Id): Promise<void> {
  const ended = await tidySessionsOf(tx, userId, { forgotten: FORGOTTEN, kept: MOST - 1 })
  if (ended > 0) await recordAudit(tx, sessionsEnded(userId, { kind: 'user', id: userId }, 'crowded', ended))
}
