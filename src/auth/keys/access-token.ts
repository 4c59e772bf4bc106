import { hash } from 'node:crypto'
import { type JWTPayload, type JWTVerifyOptions, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { type Clock, type Id, isId, newId } from '../../platform/index.ts'
import { authErrors } from '../errors.ts'
import type { SigningKey } from './key-pair.ts'
import type { KeyRing } from './key-ring.ts'
import type { Audience } from './tables.ts'

/** What an access token says, checked. */
export type AccessClaims = { readonly userId: Id; readonly sessionId: Id; readonly expiresAt: number } & (
  | { readonly audience: 'core' }
  | { readonly audience: 'tenant'; readonly tenantId: Id; readonly actorId?: Id }
)

export type TokenSubject = {
  readonly userId: Id
  readonly sessionId: Id
  /** How the user proved to be who it is (RFC 8176), for services that read tokens; we ask the session. */
  readonly amr?: readonly string[]
} & (
  | { readonly audience: 'core' }
  | {
      readonly audience: 'tenant'
      readonly tenantId: Id
      /** The administrator of the platform who acts as the user (RFC 8693 section 4.1). */
      readonly actorId?: Id
    }
)

export interface AccessTokens {
  /** Seconds that a token lives. */
  readonly ttl: number
  /**
   * @param seconds that it lives, at most `ttl`, or `ACTED_TTL_SECONDS` where somebody acts as the user; less where its
   *   session ends before
   */
  issue(subject: TokenSubject, seconds?: number): Promise<string>
  /** @throws authErrors.invalidToken */
  verify(token: string): Promise<AccessClaims>
}

export interface AccessTokenOptions {
  readonly keys: KeyRing
  /** Names this installation, so that another one's tokens are refused even under a shared key. */
  readonly issuer: string
  /** Seconds, at most 900. */
  readonly ttl: number
  readonly clock: Clock
}

const ALGORITHM = 'EdDSA'
/** RFC 9068 section 2.1: an access token is told from every other JWT by its type. */
const TYPE = 'at+jwt'
const CLOCK_TOLERANCE_SECONDS = 5
/** No token of ours lives longer, whatever its `exp` says. */
const MAX_AGE_SECONDS = 900
/** The same where somebody acts as the user: nothing refreshes it, so it lives as long as its session. */
export const ACTED_TTL_SECONDS = 3_600
/** A signature takes half a millisecond to check; a remembered token a few microseconds. About 1 KB each. */
const REMEMBERED_TOKENS = 10_000

/** A token that was checked, and the key that it stands and falls with. */
interface Verified {
  readonly claims: AccessClaims
  readonly kid: string
}

/** Signs and checks access tokens as RFC 9068 and RFC 8725 ask for. */
export function createAccessTokens({ keys, issuer, ttl, clock }: AccessTokenOptions): AccessTokens {
  // Keyed by the hash of the whole token, so that no two tokens can ever share an entry.
  const verified = new LRUCache<string, Verified>({ max: REMEMBERED_TOKENS })
  const nowSeconds = () => Math.floor(clock.now().getTime() / 1_000)
  const options = (): JWTVerifyOptions => ({
    algorithms: [ALGORITHM],
    typ: TYPE,
    issuer,
    requiredClaims: ['aud', 'sub', 'sid', 'jti', 'iat', 'exp'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    maxTokenAge: ACTED_TTL_SECONDS,
    currentDate: clock.now(),
  })

  const isOver = ({ expiresAt }: AccessClaims) => expiresAt + CLOCK_TOLERANCE_SECONDS <= nowSeconds()

  async function keyOf(kid: unknown): Promise<SigningKey> {
    const key = typeof kid === 'string' ? (keys.find(kid) ?? (await keys.findAfresh(kid))) : undefined
    if (!key) throw authErrors.invalidToken()
    return key
  }

  async function check(token: string): Promise<Verified> {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      async ({ kid }) => (await keyOf(kid)).publicKey,
      options(),
    )
    const claims = readClaims(payload)
    // A key speaks for one audience; signed by the other one's, the token is forged.
    const key = keys.find(protectedHeader.kid ?? '')
    if (!claims || key?.audience !== claims.audience) throw authErrors.invalidToken()
    return { claims, kid: key.kid }
  }

  return {
    ttl,
    issue: async (subject, seconds = ttl) => {
      const { kid, privateKey } = keys.signing(subject.audience)
      const issuedAt = nowSeconds()
      return await new SignJWT(privateClaims(subject))
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(issuer)
        .setAudience(subject.audience)
        .setSubject(subject.userId)
        .setJti(newId())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.min(seconds, 'actorId' in subject ? ACTED_TTL_SECONDS : ttl))
        .sign(privateKey)
    },
    verify: async (token) => {
      const fingerprint = hash('sha256', token, 'base64url')
      const known = verified.get(fingerprint)
      // Its key may have been revoked since.
      if (known && keys.find(known.kid) && !isOver(known.claims)) return known.claims
      try {
        const fresh = await check(token)
        verified.set(fingerprint, fresh)
        return fresh.claims
      } catch (error) {
        throw authErrors.invalidToken({ cause: error })
      }
    },
  }
}

function privateClaims(subject: TokenSubject): JWTPayload {
  return {
    sid: subject.sessionId,
    ...(subject.audience === 'tenant' && { tid: subject.tenantId }),
    ...(subject.amr && { amr: subject.amr }),
    ...('actorId' in subject && { act: { sub: subject.actorId } }),
  }
}

/** The claims in the one shape that we issue; anything else is not ours. */
function readClaims({ aud, sub, sid, jti, tid, iat, exp, act }: JWTPayload): AccessClaims | undefined {
  if (!isId(sub) || !isId(sid) || !isId(jti)) return undefined
  if (!isLifetime(iat, exp, act === undefined ? MAX_AGE_SECONDS : ACTED_TTL_SECONDS)) return undefined
  const common = { userId: sub, sessionId: sid, expiresAt: exp as number }
  if (aud === ('core' satisfies Audience) && tid === undefined && act === undefined)
    return { ...common, audience: 'core' }
  if (aud !== ('tenant' satisfies Audience) || !isId(tid)) return undefined
  if (act === undefined) return { ...common, audience: 'tenant', tenantId: tid }
  const actorId = actorOf(act)
  return actorId === undefined ? undefined : { ...common, audience: 'tenant', tenantId: tid, actorId }
}

/** Who acts: one person, under whom nobody acts in turn. */
function actorOf(act: unknown): Id | undefined {
  if (typeof act !== 'object' || act === null || Object.keys(act).join() !== 'sub') return undefined
  const { sub } = act as { readonly sub: unknown }
  return isId(sub) ? sub : undefined
}

function isLifetime(iat: unknown, exp: unknown, most: number): boolean {
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) return false
  const life = (exp as number) - (iat as number)
  return life > 0 && life <= most
}
