import { Secret } from 'otpauth'
import { describe, expect, it } from 'vitest'
import { newTotpSecret, presentTotpSecret, stepOf } from './totp.ts'

/** RFC 6238 appendix B, SHA-1: seconds, and the last six of the eight digits there. */
const VECTORS = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const
const SECRET = Buffer.from('12345678901234567890')
const at = (seconds: number) => new Date(seconds * 1_000)

describe('codes of an authenticator app', () => {
  it.each(VECTORS)('at %i s it is %s', (seconds, code) => {
    const step = Math.floor(seconds / 30)
    expect(stepOf(SECRET, code, at(seconds))).toBe(step)
    expect(stepOf(SECRET, code, at(seconds + 30))).toBe(step)
    expect(stepOf(SECRET, code, at(seconds - 30))).toBe(step)
    expect(stepOf(SECRET, code, at(seconds + 60))).toBeUndefined()
    expect(stepOf(SECRET, code, at(seconds - 60 + 30 - (seconds % 30)))).toBe(step)
    expect(stepOf(SECRET, code, at((step - 2) * 30))).toBeUndefined()
  })

  it('another secret has other codes', () => {
    expect(stepOf(newTotpSecret(), '287082', at(59))).toBeUndefined()
  })

  it('a secret has 160 random bits, and reads back what it was', () => {
    const [one, other] = [newTotpSecret(), newTotpSecret()]
    expect(one).toHaveLength(20)
    expect(one.equals(other)).toBe(false)
    const { secret, uri } = presentTotpSecret(one, { issuer: 'Tenantry', account: 'ann+x@example.com' })
    expect(Buffer.from(Secret.fromBase32(secret).bytes).equals(one)).toBe(true)
    expect(new URL(uri).pathname).toBe('/Tenantry:ann%2Bx%40example.com')
  })
})
