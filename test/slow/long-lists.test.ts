import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { median } from '../../bench/support/statistics.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { enter, type LinkedPerson } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

const ROWS = 100_000
const PAGES = 40
/** Generous: 50 ms is what a person does not notice. */
const MOST_MS = 50

let test: CheckedPlatform
let tenantId: string
let owner: LinkedPerson
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { SPARE_DATABASES: '0' } })
  const person = await test.api.register()
  tenantId = (await test.api.createOrganization(person)).id
  owner = await enter(test, tenantId, person)
  await fill()
}, 120_000)
afterAll(() => test.close())

const run = (statement: ReturnType<typeof sql>) => inTenant(test.platform, tenantId, statement)

/** Ids in the order of their numbers, all before those of today. */
const ID = sql.raw(`(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid`)

async function fill(): Promise<void> {
  await run(
    sql`INSERT INTO users (id, email, password_hash) SELECT ${ID}, 'm' || n || '@example.com', 'none' FROM generate_series(1, ${ROWS}) AS n`,
  )
  await run(sql`INSERT INTO audit_log (id, action, actor_kind, outcome, occurred_at)
    SELECT ${ID}, 'user.logged_in', 'system', 'success', now() FROM generate_series(1, ${ROWS}) AS n`)
  await run(sql`INSERT INTO invitations (id, email, role, token_hash, expires_at)
    SELECT ${ID}, 'i' || n || '@example.com', 'member', 'h' || n, now() + interval '1 day'
    FROM generate_series(1, ${ROWS}) AS n`)
  await run(sql`INSERT INTO sessions (id, user_id, expires_at)
    SELECT ${ID}, (SELECT id FROM users WHERE email = 'm' || n || '@example.com'), now() + interval '1 day'
    FROM generate_series(1, ${ROWS}) AS n`)
  for (const table of ['users', 'audit_log', 'invitations', 'sessions'])
    await run(sql`ANALYZE ${sql.identifier(table)}`)
}

/** How often a table was read from one end to the other, and by an index. */
async function scans(table: string): Promise<{ seq: number; index: number }> {
  const [row] = await inTenant<{ seq: number; index: number }>(
    test.platform,
    tenantId,
    sql`SELECT seq_scan::int AS seq, idx_scan::int AS index FROM pg_stat_user_tables WHERE relname = ${table}`,
  )
  return row ?? { seq: 0, index: 0 }
}

/** Reads some pages far into a list; median of milliseconds. */
async function deepPages(path: string, paged: boolean): Promise<number> {
  const times: number[] = []
  let cursor = ''
  for (let page = 0; page < PAGES; page++) {
    const began = performance.now()
    const url = paged ? `${path}?limit=100${cursor && `&cursor=${cursor}`}` : path
    const reply = await test.api.get(url, { token: owner.tenantToken, tenantId })
    times.push(performance.now() - began)
    expect(reply.status).toBe(200)
    if (!paged) continue
    expect(reply.body.items).toHaveLength(100)
    cursor = encodeURIComponent(reply.body.next_cursor)
  }
  return median(times)
}

/** Reads deep pages until PostgreSQL has counted them; how often it read the whole table for it, and how long a page took. */
async function read(path: string, table: string, paged: boolean): Promise<{ seq: number; ms: number }> {
  const before = await scans(table)
  const ms = await deepPages(path, paged)
  // A backend tells what it did a second later, with its next statement.
  const counted = async () => {
    await test.api.get('/users/me', { token: owner.tenantToken, tenantId })
    return (await scans(table)).index - before.index
  }
  await expect.poll(counted, { timeout: 30_000, interval: 500 }).toBeGreaterThanOrEqual(PAGES)
  return { seq: (await scans(table)).seq - before.seq, ms }
}

it.each([
  ['members', '/members', 'users', true],
  ['audit log', '/audit', 'audit_log', true],
  ['invitations', '/invitations', 'invitations', true],
  ['own sessions', '/auth/sessions', 'sessions', false],
] as const)(
  'I11 the list of %s is read by an index, however deep and however long',
  async (name, path, table, paged) => {
    // What made the rows may be counted as late as this.
    await read(path, table, paged)
    const { seq, ms } = await read(path, table, paged)
    process.stdout.write(`I11 ${name}: p50 ${ms.toFixed(1)} ms\n`)
    expect(seq).toBe(0)
    expect(ms).toBeLessThan(MOST_MS)
  },
  60_000,
)
