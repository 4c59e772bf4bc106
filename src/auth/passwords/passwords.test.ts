import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPasswordHasher, passwordProblem } from './passwords.ts'

describe('passwordProblem', () => {
  it.each([
    ['1234567', 'too-short'],
    ['', 'too-short'],
    ['a'.repeat(257), 'too-long'],
    ['😀'.repeat(257), 'too-long'],
    [' '.repeat(12), 'blank'],
    ['password1', 'too-common'],
    ['PASSWORD1', 'too-common'],
    ['iloveyou', 'too-common'],
    ['ann.lee@example.com', 'too-guessable'],
    ['ann.lee1', 'too-guessable'],
    ['Tenantry1', 'too-guessable'],
  ])('D12 refuses %j as %s', (password, problem) => {
    expect(passwordProblem(password, ['ann.lee@example.com', 'Ann Lee'])).toBe(problem)
  })

  it.each([
    'correct horse battery',
    ' leading space kept',
    'пароль-и-немного',
    '🔑🔑🔑🔑🔑🔑🔑🔑',
    `${'x'.repeat(250)}Qz7!`,
  ])('D10 accepts %j', (password) => {
    expect(passwordProblem(password, ['ann@example.com'])).toBeUndefined()
  })

  it('D10 counts code points', () => {
    expect(passwordProblem('🔑'.repeat(7), [])).toBe('too-short')
    expect(passwordProblem('𝄞é🔑ñ🜁ß🗝ø', [])).toBeUndefined()
  })
})

describe('PasswordHasher', () => {
  const passwords = createPasswordHasher()

  it('D10 verifies the password and no other, also where they differ late', async () => {
    const long = 'x'.repeat(72)
    const hash = await passwords.hash(`${long}A`)
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await expect(passwords.verify(`${long}A`, hash)).resolves.toBe(true)
    await expect(passwords.verify(`${long}B`, hash)).resolves.toBe(false)
    await expect(passwords.verify(long, hash)).resolves.toBe(false)
  })

  it('D10 takes NFC and NFD of one text for the same', async () => {
    const hash = await passwords.hash('Zoë’s café éé'.normalize('NFC'))
    await expect(passwords.verify('Zoë’s café éé'.normalize('NFD'), hash)).resolves.toBe(true)
  })

  it('D10 never takes two different texts for the same', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 100 })
    await fc.assert(
      fc.asyncProperty(text, text, async (one, other) => {
        fc.pre(one.normalize('NFKC') !== other.normalize('NFKC'))
        await expect(passwords.verify(other, await passwords.hash(one))).resolves.toBe(false)
      }),
      { numRuns: 10 },
    )
  })

  it.each([undefined, null, '', 'not a hash', '$2b$12$abcdefghijklmnopqrstuv'])(
    'F1 says no to the stored hash %j, after having computed one',
    async (stored) => {
      await expect(passwords.verify('no password has this hash', stored)).resolves.toBe(false)
    },
  )
})
