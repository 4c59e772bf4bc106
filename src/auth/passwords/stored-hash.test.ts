import { hash as argon2 } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { describe, expect, it } from 'vitest'
import { createPasswordHasher } from './passwords.ts'
import { checkOf, isOutdated } from './stored-hash.ts'

const PASSWORD = 'correct horse battery staple'
const argon = (m: number, t: number, p: number, kind = 'argon2id') =>
  `$${kind}$v=19$m=${m},t=${t},p=${p}$c29tZXNhbHRzb21lc2FsdA$${'A'.repeat(43)}`
const ofCost = (cost: string, kind = '2b') => `$${kind}$${cost}$${'A'.repeat(53)}`

describe('a stored hash', () => {
  it('of the original, made by bcrypt, is checked as it was made', async () => {
    const made = (await bcrypt(PASSWORD, 4)).replace('$2y$', '$2b$')
    for (const stored of [made, made.replace('$2b$', '$2a$')]) {
      const check = checkOf(stored)
      expect(await check?.(PASSWORD)).toBe(true)
      expect(await check?.(`${PASSWORD}!`)).toBe(false)
      expect(isOutdated(stored)).toBe(true)
    }
  })

  it('with other parameters is checked, and outdated', async () => {
    const stored = await argon2(PASSWORD, { memoryCost: 8 * 1024, timeCost: 1, parallelism: 2 })
    expect(await checkOf(stored)?.(PASSWORD)).toBe(true)
    expect(isOutdated(stored)).toBe(true)
    expect(isOutdated(await createPasswordHasher().hash(PASSWORD))).toBe(false)
  })

  it.each([
    argon(8 * 1024, 1, 1),
    argon(512 * 1024, 10, 16),
    argon(19_456, 2, 1, 'argon2i'),
    ofCost('04'),
    ofCost('14', '2a'),
  ])('within the limits is accepted: %s', (stored) => {
    expect(checkOf(stored)).toBeDefined()
  })

  it.each([
    argon(8 * 1024 - 1, 1, 1),
    argon(512 * 1024 + 1, 1, 1),
    argon(19_456, 11, 1),
    argon(19_456, 0, 1),
    argon(19_456, 2, 17),
    argon(19_456, 2, 1, 'argon2x'),
    ofCost('15'),
    ofCost('03'),
    ofCost('31', '2y'),
    `${ofCost('04')}\n`,
    'plain text',
    '',
    null,
    undefined,
  ])('beyond them is not: %s', async (stored) => {
    expect(checkOf(stored)).toBeUndefined()
    expect(await createPasswordHasher().verify(PASSWORD, stored)).toBe(false)
  })
})
