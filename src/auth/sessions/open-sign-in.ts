import { recordAudit, recordAuditLast } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { isStillActive } from '../accounts/store.ts'
import { loggedIn, loginFailed, sessionsEnded, signInMethodOf } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { Realm } from './realm.ts'
import { makeRoom } from './room.ts'
import type { OpenSession } from './sessions.ts'
import { type AnyTx, revokeSession } from './store.ts'

/** Somebody who proved who it is, and in whose name. */
export interface Proven {
  readonly userId: Id
  /** The core user whose password or passkey it was, if it is not the user's own. */
  readonly coreUserId: Id | null
}

/**
 * Opens the session of a sign-in, whatever showed who it is: every one of them ends here. What was shown is looked at once
 * more, with the user held, so that no session outlives what ended all of them at this moment.
 *
 * @param isStill whether a user, the one whose proof it was, may still enter by it; keeps it so until the transaction ends
 * @param open runs in the session's transaction; throws where there is to be none
 * @throws authErrors.invalidCredentials
 */
export async function openSignIn(
  core: CoreDb,
  realm: Realm,
  { userId, coreUserId }: Proven,
  isStill: (tx: AnyTx, userId: Id) => Promise<boolean>,
  open: (tx: AnyTx) => Promise<OpenSession>,
): Promise<OpenSession> {
  const session = await realm.db.transaction(async (tx) => {
    const mayEnter = await (coreUserId === null ? isStill(tx, userId) : isStillActive(tx, userId))
    if (!mayEnter) throw authErrors.invalidCredentials()
    await makeRoom(tx, userId)
    const opened = await open(tx)
    await recordAuditLast(tx, loggedIn(userId, opened.sessionId, signInMethodOf(opened.amr)))
    return opened
  })
  if (coreUserId === null) return session
  // Two databases: the session first, so that a change that comes later finds it.
  if (await core.transaction((tx) => isStill(tx, coreUserId))) return session
  await realm.db.transaction((tx) => refuse(tx, userId, session.sessionId))
  throw authErrors.invalidCredentials()
}

/** That the session began is recorded already. Nobody ever got a token of it. */
async function refuse(tx: AnyTx, userId: Id, sessionId: Id): Promise<void> {
  if ((await revokeSession(tx, sessionId)) === undefined) return
  await recordAudit(tx, loginFailed(userId, true)(1))
  await recordAuditLast(tx, sessionsEnded(userId, { kind: 'session', id: sessionId }, 'refused', 1))
}
