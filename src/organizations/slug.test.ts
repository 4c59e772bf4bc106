import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slugOf, slugProblem } from './slug.ts'

describe('slugProblem', () => {
  it.each(['a', 'acme', 'acme-2', 'a1-b2-c3', 'a'.repeat(63)])('D9 accepts %s', (slug) => {
    expect(slugProblem(slug)).toBeUndefined()
  })

  it.each([
    '',
    '-acme',
    'acme-',
    'ac--me',
    'Acme',
    '1acme',
    'ac_me',
    'ac.me',
    'acmé',
    'аcme',
    'a'.repeat(64),
    'a b',
  ])('D9 refuses %j', (slug) => {
    expect(slugProblem(slug)).toBe('invalid-format')
  })

  it.each(['admin', 'api', 'www', 'core', 'postgres', 'template1'])('D9 reserves %s', (slug) => {
    expect(slugProblem(slug)).toBe('reserved')
  })
})

describe('slugOf', () => {
  it.each([
    ['Acme', 'acme'],
    ['Acme & Söhne GmbH', 'acme-sohne-gmbh'],
    ['  99 Luftballons ', 'luftballons'],
  ])('makes %j to %j', (name, slug) => {
    expect(slugOf(name)).toBe(slug)
  })

  it.each(['', '株式会社', '---', '42', 'Admin'])('gives nothing for %j', (name) => {
    expect(slugOf(name)).toBeUndefined()
  })

  it('D9 gives nothing but valid slugs, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const slug = slugOf(name)
        if (slug !== undefined) expect(slugProblem(slug)).toBeUndefined()
      }),
    )
  })
})
