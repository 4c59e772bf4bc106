import { recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import type { Id, Logger } from '../../platform/index.ts'
import { sessionsEnded } from '../audit.ts'
import type { AuthEvents, SessionEnd } from '../events.ts'
import type { Realm } from './realm.ts'
import { revokeSession, revokeSessionsOf } from './store.ts'

export interface SessionEndings {
  /**
   * Ends one session of a user, from the next request of any process on. Says whether it did: `false` for one that is
   * not the user's, or ended before.
   */
  end(realm: Realm, userId: Id, sessionId: Id, reason: SessionEnd): Promise<boolean>
  /**
   * Ends every session of a user, from the next request of any process on.
   *
   * @param except the session that goes on
   */
  endAll(realm: Realm, userId: Id, reason: SessionEnd, except?: Id): Promise<void>
  /** Tells of a session that was ended because a refresh token of it came again. To be called after the commit. */
  reuseDetected(realm: Realm, userId: Id, sessionId: Id): void
}

/** The ways in which sessions end before their time, each with its event. */
export function createSessionEndings(options: {
  readonly events: Publisher<AuthEvents>
  readonly log: Logger
}): SessionEndings {
  const { events, log } = options

  const tellEnd = (realm: Realm, userId: Id, sessionId: Id, reason: SessionEnd) =>
    tellEnds(events, realm, userId, [sessionId], reason)

  return {
    end: async (realm, userId, sessionId, reason) => {
      const isEnded = await realm.db.transaction(async (tx) => {
        if ((await revokeSession(tx, sessionId, userId)) === undefined) return false
        await recordAuditLast(tx, sessionsEnded(userId, { kind: 'session', id: sessionId }, reason, 1))
        return true
      })
      if (!isEnded) return false
      tellEnd(realm, userId, sessionId, reason)
      return true
    },
    endAll: async (realm, userId, reason, except) => {
      const sessionIds = await realm.db.transaction(async (tx) => {
        const revoked = await revokeSessionsOf(tx, userId, except)
        if (revoked.length > 0)
          await recordAuditLast(
            tx,
            sessionsEnded(userId, { kind: 'user', id: userId }, reason, revoked.length),
          )
        return revoked
      })
      tellEnds(events, realm, userId, sessionIds, reason)
    },
    reuseDetected: (realm, userId, sessionId) => {
      const { scope } = realm
      log.warn({ user_id: userId, session_id: sessionId, scope }, 'a refresh token came again: session ended')
      events.publish('session.reuse_detected', { userId, sessionId, scope }, tenantIdOf(realm))
      tellEnd(realm, userId, sessionId, 'reuse')
    },
  }
}

/** Tells of each session that ended, after the commit. */
export function tellEnds(
  events: Publisher<AuthEvents>,
  realm: Realm,
  userId: Id,
  sessionIds: readonly Id[],
  reason: SessionEnd,
): void {
  for (const sessionId of sessionIds)
    events.publish('session.ended', { userId, sessionId, scope: realm.scope, reason }, tenantIdOf(realm))
}

function tenantIdOf(realm: Realm): Id | undefined {
  return realm.scope === 'tenant' ? realm.db.tenantId : undefined
}
