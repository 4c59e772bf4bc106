import fc from 'fast-check'
import { expect, it } from 'vitest'
import { newId } from '../../platform/index.ts'
import { hashSecret, isMeantAsKey, newSecret, readKey, writeKey } from './key-text.ts'

const ids = fc.nat().map(() => newId())
const secrets = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'))
const keys = fc.record({ id: ids, secret: secrets })

/** A letter of the alphabet that keys are written with, or one that looks like it. */
const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n')

it('a key that is written is read as what it was', () => {
  fc.assert(
    fc.property(keys, (parts) => {
      const text = writeKey(parts)
      expect(isMeantAsKey(text)).toBe(true)
      expect(text).toMatch(/^tnk_[0-9a-f]{32}_[\w-]{43}$/)
      expect(readKey(text)).toEqual(parts)
    }),
  )
})

it('whatever is read is the one spelling of it: no two texts are the same key', () => {
  const edited = fc.tuple(keys, fc.nat(79), fc.constantFrom('change', 'leave out', 'put in', 'turn'), letter)
  fc.assert(
    fc.property(edited, ([parts, at, edit, other]) => {
      const text = writeKey(parts)
      const [head, own, tail] = [text.slice(0, at), text[at] ?? '', text.slice(at + 1)]
      const turned = own === own.toLowerCase() ? own.toUpperCase() : own.toLowerCase()
      const middle = { change: other, 'leave out': '', 'put in': own + other, turn: turned }[edit]
      const near = head + middle + tail
      const read = readKey(near)
      if (read === undefined) return
      expect(writeKey(read)).toBe(near)
      // The same bytes, and so the same hash, come of the same text alone.
      if (near !== text) {
        const bytes = (secret: string) => Buffer.from(secret, 'base64url').toString('hex')
        expect([read.id, bytes(read.secret)]).not.toEqual([parts.id, bytes(parts.secret)])
      }
    }),
    { numRuns: 2_000 },
  )
})

it('the last letter has no spare bits: of the four that stand for the same bytes one is read', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  fc.assert(
    fc.property(keys, (parts) => {
      const text = writeKey(parts)
      const bytes = Buffer.from(parts.secret, 'base64url')
      const alike = [...alphabet]
        .map((letter) => text.slice(0, -1) + letter)
        .filter((near) => Buffer.from(near.slice(-43), 'base64url').equals(bytes))
      expect(alike).toHaveLength(4)
      expect(alike.filter((near) => readKey(near))).toEqual([text])
    }),
  )
})

it('any other text is no key', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `tnk_${text}`),
      ),
      (text) => {
        expect(readKey(text)).toBeUndefined()
      },
    ),
  )
  const good = writeKey({ id: newId(), secret: newSecret() })
  for (const near of [
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `TNK_${good.slice(4)}`,
    good.replace('tnk', 'tnr'),
  ])
    expect(readKey(near), near).toBeUndefined()
})

it('G6 the hash of a secret shows nothing of it, and differs for each', () => {
  const secret = newSecret()
  expect(secret).toHaveLength(43)
  expect(hashSecret(secret)).toHaveLength(43)
  expect(hashSecret(secret)).not.toBe(secret)
  expect(hashSecret(newSecret())).not.toBe(hashSecret(secret))
})
