import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSecretBox } from './secret-box.ts'

const box = createSecretBox('one master secret')

it('opens what it sealed', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (plain, context) => {
      expect(new Uint8Array(box.open(box.seal(plain, context), context))).toEqual(plain)
    }),
  )
})

it('never gives the same bytes twice', () => {
  expect(box.seal(Buffer.from('x'), 'c')).not.toEqual(box.seal(Buffer.from('x'), 'c'))
})

it('refuses another context, another master secret and changed bytes', () => {
  const sealed = box.seal(Buffer.from('key'), 'tenant a')
  expect(() => box.open(sealed, 'tenant b')).toThrow()
  expect(() => createSecretBox('another').open(sealed, 'tenant a')).toThrow()
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
  expect(() => box.open(sealed, 'tenant a')).toThrow()
})

it('derives different keys for different purposes', () => {
  expect(box.deriveKey('a')).toHaveLength(32)
  expect(box.deriveKey('a')).not.toEqual(box.deriveKey('b'))
  expect(box.deriveKey('a')).toEqual(createSecretBox('one master secret').deriveKey('a'))
})
