import { type Id, newId, type SecretBox } from '../../platform/index.ts'
import type { CoreDb, TenantDb } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import {
  hashRefreshToken,
  looksLikeRefreshToken,
  newRefreshToken,
  nextRefreshToken,
} from './refresh-token.ts'
import {
  type AnyTx,
  consumeRefreshToken,
  findSessionUser,
  findUsedRefreshToken,
  insertRefreshToken,
  insertSession,
  revokeSession,
} from './store.ts'

/** Where a person signs in: the platform, or one organization. */
export type Realm =
  | { readonly scope: 'core'; readonly db: CoreDb }
  | { readonly scope: 'tenant'; readonly db: TenantDb }

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
}

export interface Sessions {
  /** Begins a session for a user whose credentials were checked. */
  begin(realm: Realm, userId: Id): Promise<TokenPair>
  /** Writes a session in the caller's transaction, beside a user that is new; `issue` goes on after the commit. */
  open(tx: AnyTx, userId: Id): Promise<OpenSession>
  /** Hands out the tokens of an open session. */
  issue(realm: Realm, session: OpenSession): Promise<TokenPair>
  /**
   * Exchanges a refresh token for new tokens. Asked again within 10 s it gives the same refresh token again, because the
   * first answer may have been lost; later it ends the session, because then two people hold the token.
   *
   * @throws authErrors.invalidToken
   */
  refresh(
    realm: Realm,
    refreshToken: string,
  ): Promise<TokenPair & { readonly userId: Id; readonly sessionId: Id }>
}

export interface SessionOptions {
  readonly tokens: AccessTokens
  readonly box: SecretBox
  /** Seconds after which a session ends, however often it was refreshed. */
  readonly lifeSeconds: number
}

const REUSE_GRACE_SECONDS = 10

/** Sessions with rotated refresh tokens (RFC 9700 section 4.14.2). */
export function createSessions({ tokens, box, lifeSeconds }: SessionOptions): Sessions {
  const chainKey = box.deriveKey('refresh-token')

  const issue: Sessions['issue'] = async (realm, { userId, sessionId, refreshToken }) => {
    const who = { userId, sessionId }
    const accessToken = await tokens.issue(
      realm.scope === 'core'
        ? { ...who, audience: 'core' }
        : { ...who, audience: 'tenant', tenantId: realm.db.tenantId },
    )
    return { accessToken, refreshToken, expiresIn: tokens.ttl }
  }

  const open: Sessions['open'] = async (tx, userId) => {
    const session = { userId, sessionId: newId(), refreshToken: newRefreshToken() }
    const refreshTokenHash = hashRefreshToken(session.refreshToken)
    await insertSession(tx, { id: session.sessionId, userId, lifeSeconds, refreshTokenHash })
    return session
  }

  return {
    open,
    issue,
    begin: async (realm, userId) => await issue(realm, await realm.db.transaction((tx) => open(tx, userId))),
    refresh: async (realm, refreshToken) => {
      if (!looksLikeRefreshToken(refreshToken)) throw authErrors.invalidToken()
      const next = nextRefreshToken(chainKey, refreshToken)
      const sessionId = await rotate(realm, hashRefreshToken(refreshToken), hashRefreshToken(next))
      const userId = sessionId && (await findSessionUser(realm.db, sessionId))
      if (!userId) throw authErrors.invalidToken()
      return { ...(await issue(realm, { userId, sessionId, refreshToken: next })), userId, sessionId }
    },
  }
}

/** Uses a token up for its successor. Gives the session that may go on, or `undefined`. */
async function rotate(realm: Realm, hash: string, nextHash: string): Promise<Id | undefined> {
  return await realm.db.transaction(async (tx) => {
    const sessionId = await consumeRefreshToken(tx, hash)
    if (sessionId !== undefined) {
      await insertRefreshToken(tx, { hash: nextHash, sessionId })
      return sessionId
    }
    const used = await findUsedRefreshToken(tx, hash, REUSE_GRACE_SECONDS)
    if (used?.isInGrace) return used.sessionId
    if (used) await revokeSession(tx, used.sessionId)
    return undefined
  })
}
