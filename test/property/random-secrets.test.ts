import { describe, expect, it, vi } from 'vitest'
import { newSecret } from '../../src/auth/api-keys/key-text.ts'
import { newOneTimeToken } from '../../src/auth/one-time/token.ts'
import { newChallengeToken } from '../../src/auth/second-factor/challenges/token.ts'
import { newRefreshToken, nextRefreshToken } from '../../src/auth/sessions/refresh-token.ts'
import { newId } from '../../src/platform/index.ts'
import { attempts, codes, states } from '../../src/sso/sign-in/tokens.ts'

const BITS = 256
const SAMPLES = 4_000
/** Of a fair bit seven standard deviations: in a hundred million runs hardly one has a bit beyond. */
const MOST_UNEVEN = 7 * Math.sqrt(SAMPLES / 4)

const tenantId = newId()
const KEY = Buffer.alloc(32, 7)

/** A secret of each kind, and what stands in front of its random part. */
const SECRETS: Readonly<Record<string, readonly [make: () => string, front: string]>> = {
  'a token of a mailed link, an invitation too': [newOneTimeToken, 'tro_'],
  'a token of a half sign-in': [newChallengeToken, 'trm_'],
  'the first refresh token of a session': [newRefreshToken, 'trt_'],
  'a refresh token that follows': [() => nextRefreshToken(KEY, newRefreshToken()), 'trt_'],
  'the secret of an API key': [newSecret, ''],
  'a state of a sign-in with a provider': [() => states.make(tenantId), `${tenantId}.trs_`],
  'an attempt of a sign-in with a provider': [() => attempts.make(tenantId), `${tenantId}.tra_`],
  'a code of a sign-in with a provider': [codes.make, 'trc_'],
}

const bytesOf = (secret: string, front: string) => Buffer.from(secret.slice(front.length), 'base64url')

const bitAt = (bytes: Buffer, bit: number) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1

/** In how many of the samples each bit is set. */
function countBits(samples: readonly Buffer[]): number[] {
  return Array.from({ length: BITS }, (_, bit) => samples.reduce((sum, bytes) => sum + bitAt(bytes, bit), 0))
}

const isEven = (count: number) => Math.abs(count - SAMPLES / 2) < MOST_UNEVEN

describe('F10 a secret', () => {
  it.each(Object.entries(SECRETS))('%s is 256 random bits, none of them a time', (_, [make, front]) => {
    // The clock stands still, so what comes of the time would be the same in all of them.
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_800_000_000_000 })
    try {
      const secrets = Array.from({ length: SAMPLES }, make)
      for (const secret of secrets) {
        expect(secret.startsWith(front)).toBe(true)
        expect(secret.slice(front.length)).toMatch(/^[\w-]{43}$/)
      }
      const samples = secrets.map((secret) => bytesOf(secret, front))
      expect(new Set(samples.map((bytes) => bytes.toString('hex'))).size).toBe(SAMPLES)
      expect(countBits(samples).filter((count) => !isEven(count))).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('would be found out if it had a time in it, or the version of a UUID', () => {
    const samples = Array.from({ length: SAMPLES }, () => {
      const id = () => Buffer.from(newId().replaceAll('-', ''), 'hex')
      return Buffer.concat([id(), id()])
    })
    expect(countBits(samples).filter((count) => !isEven(count)).length).toBeGreaterThan(2 * 40)
  })
})
