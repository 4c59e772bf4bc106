import type { Config } from '../../config.ts'
import type { Publisher } from '../../events/index.ts'
import type { RateLimits, RatePolicy } from '../../http/index.ts'
import { type Id, type Logger, newId, type SecretBox } from '../../platform/index.ts'
import { authErrors } from '../errors.ts'
import type { AuthEvents } from '../events.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import { createSessionEndings, type SessionEndings } from './endings.ts'
import type { Origin } from './origin.ts'
import type { Realm } from './realm.ts'
import {
  hashRefreshToken,
  looksLikeRefreshToken,
  newRefreshToken,
  nextRefreshToken,
} from './refresh-token.ts'
import { rotate } from './rotation.ts'
import {
  type AnyTx,
  insertSession,
  type LiveSession,
  listLiveSessions,
  needsSso,
  type SessionLife,
} from './store.ts'
import type { Amr } from './tables.ts'

export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  /** Seconds that the access token lives. */
  readonly expiresIn: number
}

/** A session that is written but whose tokens are not handed out yet. */
export interface OpenSession {
  readonly userId: Id
  readonly sessionId: Id
  readonly refreshToken: string
  /** Whole seconds that the session lives unless it is refreshed; its access token lives no longer. */
  readonly secondsLeft: number
  /** How its user proved to be who it is. */
  readonly amr: readonly Amr[]
}

export interface Sessions extends Pick<SessionEndings, 'end' | 'endAll'> {
  /**
   * Writes a session in the caller's transaction, beside a user that is new; `issue` goes on after the commit.
   *
   * @param amr how the user proved to be who it is; the password alone by default
   * @throws authErrors.invalidCredentials where the organization wants its identity provider to say so, and it did not
   */
  open(tx: AnyTx, userId: Id, origin: Origin, amr?: readonly Amr[]): Promise<OpenSession>
  /** Hands out the tokens of an open session. */
  issue(realm: Realm, session: OpenSession): Promise<TokenPair>
  /**
   * Exchanges a refresh token for new tokens. Asked again within 10 s it gives the same refresh token again, because the
   * first answer may have been lost; later it ends the session, because then two people hold the token.
   *
   * @throws authErrors.invalidToken; httpErrors.rateLimited, and then the token is still good
   */
  refresh(
    realm: Realm,
    refreshToken: string,
    origin: Origin,
  ): Promise<TokenPair & { readonly userId: Id; readonly sessionId: Id; readonly amr: readonly Amr[] }>
  /** A user's sessions that go on: the current one, then those used last, 100 at most. */
  list(realm: Realm, userId: Id, current: Id): Promise<LiveSession[]>
}

export interface SessionOptions {
  readonly tokens: AccessTokens
  readonly box: SecretBox
  readonly config: Pick<Config, 'refreshTokenTtl' | 'sessionIdleTtl'>
  readonly events: Publisher<AuthEvents>
  readonly log: Logger
  /** Counts the refreshes of each session, for this process; by default nothing does. */
  readonly limits?: Pick<RateLimits, 'spend'>
}

/** Whoever operates the platform signs in every day: a token that was stolen from one is worth the most. */
const ADMIN_LIFE_SECONDS = 24 * 3_600
const LISTED = 100
/**
 * A client refreshes some six times in an hour. What one session costs is bounded in each process; a limit over all of them would
 * be a write more for each refresh, and a thief gains nothing by refreshing often.
 */
const REFRESH_RATE: RatePolicy = { name: 'refresh', limit: 30, windowSeconds: 60 }

/** Sessions with rotated refresh tokens (RFC 9700 section 4.14.2). */
export function createSessions({ tokens, box, config, events, log, limits }: SessionOptions): Sessions {
  const chainKey = box.deriveKey('refresh-token')
  const endings = createSessionEndings({ events, log })
  const life: SessionLife = {
    absolute: config.refreshTokenTtl,
    absoluteOfAdmins: Math.min(config.refreshTokenTtl, ADMIN_LIFE_SECONDS),
    idle: config.sessionIdleTtl,
  }

  const count = (sessionId: Id) => void limits?.spend(REFRESH_RATE, sessionId)

  const issue: Sessions['issue'] = async (realm, { userId, sessionId, refreshToken, secondsLeft, amr }) => {
    const who = { userId, sessionId, amr }
    const expiresIn = Math.min(tokens.ttl, secondsLeft)
    const accessToken = await tokens.issue(
      realm.scope === 'core'
        ? { ...who, audience: 'core' }
        : { ...who, audience: 'tenant', tenantId: realm.db.tenantId },
      expiresIn,
    )
    return { accessToken, refreshToken, expiresIn }
  }

  const open: Sessions['open'] = async (tx, userId, origin, amr = ['pwd']) => {
    await requireRightDoor(tx, userId, amr)
    const session = { userId, sessionId: newId(), refreshToken: newRefreshToken(), amr }
    const refreshTokenHash = hashRefreshToken(session.refreshToken)
    const row = { id: session.sessionId, userId, refreshTokenHash, origin, amr }
    return { ...session, secondsLeft: await insertSession(tx, row, life) }
  }

  return {
    ...endings,
    open,
    issue,
    refresh: async (realm, refreshToken, origin) => {
      if (!looksLikeRefreshToken(refreshToken)) throw authErrors.invalidToken()
      const next = nextRefreshToken(chainKey, refreshToken)
      const hashes = { used: hashRefreshToken(refreshToken), next: hashRefreshToken(next) }
      const { isReuse, session } = await rotate(realm, hashes, origin, { life, count })
      if (isReuse) endings.reuseDetected(realm, session.userId, session.sessionId)
      if (isReuse || !session) throw authErrors.invalidToken()
      return { ...(await issue(realm, { ...session, refreshToken: next })), ...session }
    },
    list: async (realm, userId, current) => await listLiveSessions(realm.db, userId, current, LISTED),
  }
}

/** Every session of an organization begins here, whatever opened it: so no way in can forget to ask. */
async function requireRightDoor(tx: AnyTx, userId: Id, amr: readonly Amr[]): Promise<void> {
  if (tx.scope !== 'tenant' || amr.includes('sso')) return
  if (await needsSso(tx, userId)) throw authErrors.invalidCredentials()
}
