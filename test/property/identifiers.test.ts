import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isCleanText } from '../../src/http/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { runs } from '../support/effort.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
})
afterAll(() => test.close())

const meta = fc.constantFrom(
  '"; DROP DATABASE postgres; --',
  "'; DROP TABLE users; --",
  '"',
  "'",
  '\\',
  '$$',
  '%I',
  '../../',
  'template1',
  'postgres',
  'tenant_',
  'TEMPLATE template0',
  '\u2028',
  'ﬀ',
  'İ',
  'ẞ',
  '𝐚𝐝𝐦𝐢𝐧',
)
const hostile = fc
  .array(fc.oneof(meta, fc.string({ unit: 'grapheme', maxLength: 12 })), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))

/** In every text below, so that a name that was made of one can be told from all others on the server. */
const MARK = `mark${randomBytes(4).toString('hex')}`

/** Names that hold the mark: of databases, roles and settings, and of what lies in the core database. */
async function markedNames(): Promise<string[]> {
  const onWholeServer = await onServer((server) =>
    server.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles UNION SELECT description FROM pg_shdescription',
    ),
  )
  const inside = await inCore<{ name: string }>(
    test.platform,
    sql`SELECT nspname AS name FROM pg_namespace UNION SELECT relname FROM pg_class UNION SELECT typname FROM pg_type`,
  )
  return [...onWholeServer.rows, ...inside]
    .map(({ name }) => name)
    .filter((name) => name.toLowerCase().includes(MARK))
}

it('E2 whatever an organization is called, only its id becomes a name in PostgreSQL', async () => {
  const ids: string[] = []
  const create = async (body: { name: string; slug?: string }) => {
    const { status, body: made } = await test.api.post('/organizations', body, { token: owner.token })
    if (status !== 201) return expect([409, 422]).toContain(status)
    ids.push(made.id)
    expect(made.database_name).toBe(`tenant_${made.id}`)
    expect(made.database_name).toMatch(/^tenant_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(made.slug).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    expect(made.name).toBe(body.name.normalize('NFC'))
  }
  await fc.assert(
    fc.asyncProperty(hostile, hostile, async (text, slug) => {
      const name = `${text} ${MARK}`
      await create({ name })
      await create({ name, slug })
      await create({ name, slug: `${slug}${MARK}` })
    }),
    { numRuns: runs(15) },
  )
  expect(ids.length).toBeGreaterThan(5)
  const rows = await inCore<{ database_name: string }>(test.platform, sql`SELECT database_name FROM tenants`)
  expect(rows.map(({ database_name }) => database_name).sort()).toEqual(
    ids.map((id) => `tenant_${id}`).sort(),
  )
  expect(await markedNames()).toEqual([])
})

it('D9 a slug that is not made of lower case ASCII letters, digits and single dashes is refused: 422', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (slug) => {
      fc.pre(!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(slug) && isCleanText(slug))
      const reply = await test.api.post('/organizations', { name: 'Slug', slug }, { token: owner.token })
      expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '/slug' }] } })
    }),
    { numRuns: runs(100) },
  )
})
