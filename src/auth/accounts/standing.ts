import { recordAudit } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import { lockActiveAdmins, setStanding, userAudit } from '../../users/index.ts'
import { sessionsEnded } from '../audit.ts'
import { dropTokens } from '../one-time/store.ts'
import { PURPOSES } from '../one-time/tables.ts'
import { tellEnds } from '../sessions/endings.ts'
import { revokeSessionsOf } from '../sessions/store.ts'
import { endLinkedSessions, type LinkedSessionsOptions } from './linked-sessions.ts'

/** Nobody would operate the platform any more. */
export class LastAdminError extends Error {
  override readonly name = 'LastAdminError'
}

/** What became of an account. */
export interface Change {
  /** False where it was so already. */
  readonly changed: boolean
  /** How many of its sessions on the platform ended. */
  readonly sessionsEnded: number
  /** Its organizations that could not be reached, where sessions end at their next refresh. */
  readonly unreached: readonly Id[]
}

/** Whether what is taken away may be taken from the last one who has it. */
export interface LastAdmin {
  readonly mayLeaveNone: boolean
}

/** What operators do to platform accounts. Each can be repeated, and then ends what is left. */
export interface Standing {
  /**
   * Lets nobody use an account. Its sessions end, those in organizations too, and links that were mailed to it are worth
   * nothing any more.
   *
   * @throws LastAdminError
   */
  disable(userId: Id, last: LastAdmin): Promise<Change>
  /** Lets an account be used again. Sessions that ended do not come back. Says whether it was disabled. */
  enable(userId: Id): Promise<boolean>
  /**
   * Takes the administration of the platform from a user, and ends the sessions there, with all that was begun in them.
   * Nothing happens to somebody who is no administrator.
   *
   * @throws LastAdminError
   */
  revokeAdmin(userId: Id, last: LastAdmin): Promise<Change>
}

const DISABLE = { action: 'user.disabled', to: { isActive: false } } as const
const REVOKE_ADMIN = { action: 'admin.revoked', to: { isAdmin: false } } as const

export function createStanding(options: LinkedSessionsOptions): Standing {
  const { core } = options
  return {
    disable: async (userId, last) => {
      const change = await takeAway(options, DISABLE, userId, last)
      return { ...change, unreached: await endLinkedSessions(options, userId, 'operator') }
    },
    enable: (userId) =>
      core.transaction(async (tx) => {
        if (!(await setStanding(tx, userId, { isActive: true }))) return false
        await recordAudit(tx, userAudit('user.enabled', byOperator(userId)))
        return true
      }),
    revokeAdmin: async (userId, last) => ({
      ...(await takeAway(options, REVOKE_ADMIN, userId, last)),
      unreached: [],
    }),
  }
}

async function takeAway(
  { core, events }: LinkedSessionsOptions,
  { action, to }: typeof DISABLE | typeof REVOKE_ADMIN,
  userId: Id,
  { mayLeaveNone }: LastAdmin,
): Promise<Omit<Change, 'unreached'>> {
  const { changed, ended } = await core.transaction(async (tx) => {
    const admins = await lockActiveAdmins(tx)
    if (!mayLeaveNone && admins.length === 1 && admins[0] === userId) throw new LastAdminError()
    // Before the sessions: a sign-in that is under way ends first, and what it began ends too.
    const hasChanged = await setStanding(tx, userId, to)
    if (hasChanged) await recordAudit(tx, userAudit(action, byOperator(userId)))
    if (!hasChanged && action === 'admin.revoked') return { changed: false, ended: [] }
    const revoked = await revokeSessionsOf(tx, userId)
    const target = { kind: 'user', id: userId }
    if (revoked.length > 0) await recordAudit(tx, sessionsEnded(userId, target, 'operator', revoked.length))
    if (action === 'user.disabled') await dropTokens(tx, userId, PURPOSES)
    return { changed: hasChanged, ended: revoked }
  })
  tellEnds(events, { scope: 'core', db: core }, userId, ended, 'operator')
  return { changed, sessionsEnded: ended.length }
}

function byOperator(id: Id) {
  return { actor: { kind: 'operator' }, target: { kind: 'user', id } } as const
}
