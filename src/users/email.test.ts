import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalEmail } from './email.ts'

describe('canonicalEmail', () => {
  it.each([
    ['ann@example.com', 'ann@example.com'],
    ['A@X.CO', 'a@x.co'],
    ['ann+tag@example.com', 'ann+tag@example.com'],
    ['a.n.n@example.com', 'a.n.n@example.com'],
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['ann@BÜCHER.example', 'ann@xn--bcher-kva.example'],
    ['ann@xn--bcher-kva.example', 'ann@xn--bcher-kva.example'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('D2 D4 accepts %s as %s', (text, canonical) => {
    expect(canonicalEmail(text)).toBe(canonical)
  })

  it.each([
    '',
    '@',
    'ann',
    'ann@',
    '@example.com',
    'ann@localhost',
    'ann@example.com.',
    'ann@example.com:25',
    'ann@[127.0.0.1]',
    'ann@127.0.0.1',
    'ann@0x7f.1',
    'a@b@c',
    'a..b@example.com',
    '.a@example.com',
    'a.@example.com',
    '"a b"@example.com',
    'ann(comment)@example.com',
    'ann @example.com',
    ' ann@example.com',
    'ann@example.com ',
    'ann@exa mple.com',
    'ann@-example.com',
    'ann@example-.com',
    'ann@example..com',
    'ann@example.com/x',
    'ann@exam%70le.com',
    'änn@example.com',
    'ann\u0000@example.com',
    'ann\u202e@example.com',
    `${'a'.repeat(65)}@example.com`,
    `ann@${'a'.repeat(64)}.com`,
    `ann@${'a.'.repeat(130)}com`,
  ])('D4 refuses %j', (text) => {
    expect(canonicalEmail(text)).toBeUndefined()
  })

  it('D4 keeps a homograph apart from what it imitates', () => {
    expect(canonicalEmail('ann@gооgle.com')).not.toBe('ann@google.com')
  })

  it('answers a megabyte at once', () => {
    expect(canonicalEmail(`${'a.'.repeat(500_000)}@example.com`)).toBeUndefined()
  })

  it('is idempotent: a canonical address is its own canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string(), fc.string({ unit: 'grapheme' })), (text) => {
        const canonical = canonicalEmail(text)
        fc.pre(canonical !== undefined)
        expect(canonicalEmail(canonical ?? '')).toBe(canonical)
      }),
    )
  })

  it('does not tell ASCII upper from lower case', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const upper = address.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())
        expect(canonicalEmail(upper)).toBe(canonicalEmail(address))
      }),
    )
  })

  it('gives nothing but lower case ASCII without spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.domain(), (local, domain) => {
        const canonical = canonicalEmail(`${local}@${domain}`)
        if (canonical !== undefined) expect(canonical).toMatch(/^[!-~]+$/)
        if (canonical !== undefined) expect(canonical).not.toMatch(/[A-Z]/)
      }),
    )
  })
})
