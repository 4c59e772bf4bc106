import { recordAudit, recordAuditLast } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { isStillActive, isStillPassword } from '../accounts/store.ts'
import { loggedIn, loginFailed, sessionsEnded } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { Realm } from '../sessions/realm.ts'
import { makeRoom } from '../sessions/room.ts'
import type { OpenSession } from '../sessions/sessions.ts'
import { type AnyTx, revokeSession } from '../sessions/store.ts'

/** Somebody whose password was right. */
export interface KnownPassword {
  readonly userId: Id
  /** The core user whose password it is, if it is not the user's own. */
  readonly coreUserId: Id | null
  /** What it was checked against. */
  readonly passwordHash: string
}

/**
 * Opens a session for a password that was right. One that was changed since lets nobody in, so that no session of it
 * outlives the change that ended all of them; and so it is with a user who was deactivated since.
 *
 * @param open runs in the session's transaction; throws where there is to be none
 * @throws authErrors.invalidCredentials
 */
export async function openForPassword(
  core: CoreDb,
  realm: Realm,
  { userId, coreUserId, passwordHash }: KnownPassword,
  open: (tx: AnyTx) => Promise<OpenSession>,
): Promise<OpenSession> {
  const session = await realm.db.transaction(async (tx) => {
    const mayEnter = await (coreUserId === null
      ? isStillPassword(tx, userId, passwordHash)
      : isStillActive(tx, userId))
    if (!mayEnter) throw authErrors.invalidCredentials()
    await makeRoom(tx, userId)
    const opened = await open(tx)
    await recordAuditLast(tx, loggedIn(userId, opened.sessionId))
    return opened
  })
  if (coreUserId === null) return session
  // Two databases: the session first, so that a change that comes later finds it.
  if (await core.transaction((tx) => isStillPassword(tx, coreUserId, passwordHash))) return session
  await realm.db.transaction(async (tx) => {
    // The session was recorded when it began. Nobody ever got a token of it.
    if ((await revokeSession(tx, session.sessionId)) === undefined) return
    await recordAudit(tx, loginFailed(userId, true)(1))
    await recordAuditLast(
      tx,
      sessionsEnded(userId, { kind: 'session', id: session.sessionId }, 'password', 1),
    )
  })
  throw authErrors.invalidCredentials()
}
