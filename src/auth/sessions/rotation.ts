import { type AuditEntry, recordAuditLast } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import { authAudit } from '../audit.ts'
import type { Origin } from './origin.ts'
import type { Realm } from './realm.ts'
import {
  type AnyTx,
  consumeRefreshToken,
  findUsedRefreshToken,
  insertRefreshToken,
  prolongSession,
  revokeSession,
  type SessionLife,
} from './store.ts'

/** What came of a refresh token. */
export type Rotation =
  | {
      readonly isReuse: false
      /** The session that goes on; `undefined` for a token that is none of ours, or whose session ended. */
      readonly session: RotatedSession | undefined
    }
  /** It came again too late, and this ended its session. */
  | { readonly isReuse: true; readonly session: { readonly sessionId: Id; readonly userId: Id } }

interface RotatedSession {
  readonly sessionId: Id
  readonly userId: Id
  readonly secondsLeft: number
}

/** What a rotation keeps to. */
export interface RotationRules {
  readonly life: SessionLife
  /** Counts a refresh of a session; throws to leave everything as it was. */
  readonly count: (sessionId: Id) => void
}

const REUSE_GRACE_SECONDS = 10

/**
 * Uses a token up for its successor.
 *
 * Every used token of a session is kept until the session itself is deleted. With the last few alone, a thief would
 * refresh until the owner's token is forgotten, and the owner's next refresh would tell nobody anything.
 *
 * @param hashes of the token that came and of the one that follows it
 */
export async function rotate(
  realm: Realm,
  hashes: { readonly used: string; readonly next: string },
  origin: Origin,
  rules: RotationRules,
): Promise<Rotation> {
  return await realm.db.transaction(async (tx): Promise<Rotation> => {
    const sessionId = await consumeRefreshToken(tx, hashes.used)
    if (sessionId !== undefined) {
      await insertRefreshToken(tx, { hash: hashes.next, sessionId })
      return { isReuse: false, session: await goOn(tx, sessionId, origin, rules) }
    }
    const used = await findUsedRefreshToken(tx, hashes.used, REUSE_GRACE_SECONDS)
    if (used?.isInGrace) return { isReuse: false, session: await goOn(tx, used.sessionId, origin, rules) }
    const userId = used && (await revokeSession(tx, used.sessionId))
    if (!userId) return { isReuse: false, session: undefined }
    await recordAuditLast(tx, reuseDetected(userId, used.sessionId))
    return { isReuse: true, session: { sessionId: used.sessionId, userId } }
  })
}

/** Who it was that sent the token again, its owner or a thief, nobody knows. */
function reuseDetected(userId: Id, sessionId: Id): AuditEntry {
  return authAudit('session.reuse_detected', {
    actor: { kind: 'user', id: userId },
    target: { kind: 'session', id: sessionId },
    outcome: 'failure',
  })
}

async function goOn(
  tx: AnyTx,
  sessionId: Id,
  origin: Origin,
  { life, count }: RotationRules,
): Promise<RotatedSession | undefined> {
  // Here, where whose token it is is known and nothing is committed. A token that came again too late is never refused so.
  count(sessionId)
  const session = await prolongSession(tx.last, sessionId, origin, life)
  // Nothing is left where its end was moved into the past: its user operates the platform since the sign-in.
  return session && session.secondsLeft > 0 ? { sessionId, ...session } : undefined
}
