import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { quoteIdentifier, quoteLiteral } from './identifiers.ts'

describe('quoteIdentifier', () => {
  it.each(['a', 'tenant_0199aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee', '_x', 'a'.repeat(63)])('quotes %s', (name) => {
    expect(quoteIdentifier(name)).toBe(`"${name}"`)
  })

  it('E2 refuses everything that is not plain', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        fc.pre(!/^[a-z_][a-z0-9_-]{0,62}$/.test(name))
        expect(() => quoteIdentifier(name)).toThrow('refused to quote')
      }),
    )
  })

  it.each(['', 'a"b', 'A', '1a', 'a b', 'a;drop', 'a'.repeat(64)])('E2 refuses %j', (name) => {
    expect(() => quoteIdentifier(name)).toThrow('refused to quote')
  })
})

describe('quoteLiteral', () => {
  const server = new pg.Client({ connectionString: inject('postgresUrl') })
  beforeAll(() => server.connect())
  afterAll(() => server.end())

  it('E1 comes back from PostgreSQL as it went in', async () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => value.isWellFormed() && !value.includes('\0'))
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const { rows } = await server.query(`SELECT ${quoteLiteral(value)} AS value`)
        expect(rows[0]?.value).toBe(value)
      }),
    )
  })

  it('refuses a NUL', () => {
    expect(() => quoteLiteral('a\0b')).toThrow('NUL')
  })
})
