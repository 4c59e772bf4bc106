import type { CoreDb } from '../../tenancy/index.ts'
import { isStillPassword } from '../accounts/store.ts'
import { openSignIn, type Proven } from '../sessions/open-sign-in.ts'
import type { Realm } from '../sessions/realm.ts'
import type { OpenSession } from '../sessions/sessions.ts'
import type { AnyTx } from '../sessions/store.ts'

/** Somebody whose password was right. */
export interface KnownPassword extends Proven {
  /** What it was checked against. */
  readonly passwordHash: string
}

/**
 * Opens a session for a password that was right. One that was changed since lets nobody in, and so it is with a user who
 * was deactivated since.
 *
 * @param open runs in the session's transaction; throws where there is to be none
 * @throws authErrors.invalidCredentials
 */
export async function openForPassword(
  core: CoreDb,
  realm: Realm,
  known: KnownPassword,
  open: (tx: AnyTx) => Promise<OpenSession>,
): Promise<OpenSession> {
  return await openSignIn(core, realm, known, (tx, id) => isStillPassword(tx, id, known.passwordHash), open)
}
