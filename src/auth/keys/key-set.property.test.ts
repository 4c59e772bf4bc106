import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { createSecretBox } from '../../platform/index.ts'
import { generateKey, SigningKeyError } from './key-pair.ts'
import { createKeySet, PublicJwk, unservedAudiences } from './key-set.ts'
import type { KeyRecord, KeyState } from './store.ts'
import type { Audience } from './tables.ts'

const box = createSecretBox('a-secret-for-the-property-of-key-sets')
const otherBox = createSecretBox('another-secret-that-opens-nothing-here')
const AT = new Date('2026-06-01T12:00:00Z')

/** Keys take long to make, so the generated sets pick from these. */
const pool = await Promise.all(Array.from({ length: 8 }, () => generateKey('core', box)))
const foreign = await Promise.all(Array.from({ length: 2 }, () => generateKey('core', otherBox)))

const record = fc.record({
  from: fc.constantFrom(...pool, ...foreign),
  audience: fc.constantFrom<Audience>('core', 'tenant'),
  state: fc.constantFrom<KeyState>('next', 'signing', 'verifying', 'retired', 'revoked'),
  // What somebody might have written beside the public members.
  extra: fc.dictionary(fc.constantFrom('d', 'p', 'k', 'x', 'key_ops', 'private'), fc.string()),
})
const records = fc
  .uniqueArray(record, { selector: ({ from }) => from.kid, maxLength: 10 })
  .map((chosen) => chosen.map(asRecord))

interface Chosen {
  readonly from: Awaited<ReturnType<typeof generateKey>>
  readonly audience: Audience
  readonly state: KeyState
  readonly extra: object
}

function asRecord({ from, audience, state, extra }: Chosen): KeyRecord {
  const times = { createdAt: AT, signsFrom: AT, signsUntil: null, verifiesUntil: null, revokedAt: null }
  return { ...from, ...times, audience, state, publicJwk: { ...from.publicJwk, ...extra } }
}

const isOurs = ({ kid }: KeyRecord) => pool.some((key) => key.kid === kid)
const isLive = ({ state }: KeyRecord) => state === 'next' || state === 'signing' || state === 'verifying'

describe('a key set', () => {
  it('A24 publishes the public members of live keys and nothing else, whatever was stored', () => {
    fc.assert(
      fc.property(records, (given) => {
        const usable = given.filter((key) => isLive(key) && isOurs(key))
        const served = new Set(usable.map(({ audience }) => audience))
        if (served.size < 2) {
          expect(() => createKeySet(given, box)).toThrow(SigningKeyError)
          return
        }
        const { published, byId } = createKeySet(given, box)
        expect(published.map(({ kid }) => kid)).toEqual(usable.map(({ kid }) => kid))
        expect([...byId.keys()]).toEqual(usable.map(({ kid }) => kid))
        for (const jwk of published) {
          expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
          expect(Value.Check(PublicJwk, jwk)).toBe(true)
          expect(jwk.x).toBe(pool.find(({ kid }) => kid === jwk.kid)?.publicJwk.x)
        }
      }),
    )
  })

  it('A24 has no private key in what it publishes', () => {
    const given = pool.map((from, index) =>
      asRecord({ from, audience: index % 2 ? 'core' : 'tenant', state: 'signing', extra: {} }),
    )
    const { published, byId } = createKeySet(given, box)
    const text = JSON.stringify(published)
    for (const { privateKey } of byId.values()) {
      const { d = '' } = privateKey.export({ format: 'jwk' })
      expect(d).toMatch(/^.{43}$/)
      expect(text).not.toContain(d)
    }
  })

  it('signs with a key that signs, of the right audience, where there is one that opens', () => {
    fc.assert(
      fc.property(records, (given) => {
        const signers = given.filter((key) => key.state === 'signing' && isOurs(key))
        fc.pre(new Set(signers.map(({ audience }) => audience)).size === 2)
        const { signing } = createKeySet(given, box)
        for (const audience of ['core', 'tenant'] as const)
          expect(signing[audience].kid).toBe(signers.findLast((key) => key.audience === audience)?.kid)
        expect(unservedAudiences(given)).toEqual([])
      }),
    )
  })

  it('takes no key that was written into the database without the secret', () => {
    const [core, tenant, victim] = pool
    const [attacker] = foreign
    if (!core || !tenant || !victim || !attacker) throw new Error('no keys')
    const genuine = [
      asRecord({ from: core, audience: 'core', state: 'signing', extra: {} }),
      asRecord({ from: tenant, audience: 'tenant', state: 'signing', extra: {} }),
    ]
    const planted: KeyRecord[] = [
      asRecord({ from: attacker, audience: 'tenant', state: 'signing', extra: {} }),
      { ...asRecord({ from: victim, audience: 'core', state: 'signing', extra: {} }), sealedPrivateKey: '' },
      // Under another key's id.
      {
        ...asRecord({ from: victim, audience: 'core', state: 'next', extra: {} }),
        kid: attacker.kid.replace(/^./, '_'),
      },
    ]
    const set = createKeySet([...genuine, ...planted], box)
    expect([...set.byId.keys()]).toEqual([core.kid, tenant.kid])
    expect(set.unreadable).toHaveLength(planted.length)
  })
})
