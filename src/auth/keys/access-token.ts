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
  | { readonly audience: 'tenant'; readonly tenantId: Id }
)

export type TokenSubject = { readonly userId: Id; readonly sessionId: Id } & (
  | { readonly audience: 'core' }
  | { readonly audience: 'tenant'; readonly tenantId: Id }
)

export interface AccessTokens {
  /** Seconds that a token lives. */
  readonly ttl: number
  /** @param seconds that it lives, at most `ttl`; less where its session ends before */
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
    maxTokenAge: MAX_AGE_SECONDS,
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
      return await new SignJWT({
        sid: subject.sessionId,
        ...(subject.audience === 'tenant' && { tid: subject.tenantId }),
      })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(issuer)
        .setAudience(subject.audience)
        .setSubject(subject.userId)
        .setJti(newId())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.min(seconds, ttl))
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

/** The claims in the one shape that we issue; anything else is not ours. */
function readClaims({ aud, sub, sid, jti, tid, iat, exp }: JWTPayload): AccessClaims | undefined {
  if (!isId(sub) || !isId(sid) || !isId(jti) || !isLifetime(iat, exp)) return undefined
  const common = { userId: sub, sessionId: sid, expiresAt: exp as number }
  if (aud === ('core' satisfies Audience) && tid === undefined) return { ...common, audience: 'core' }
  if (aud === ('tenant' satisfies Audience) && isId(tid))
    return { ...common, audience: 'tenant', tenantId: tid }
  return undefined
}

function isLifetime(iat: unknown, exp: unknown): boolean {
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) return false
  const life = (exp as number) - (iat as number)
  return life > 0 && life <= MAX_AGE_SECONDS
}
