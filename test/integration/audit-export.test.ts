import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuditFilter, selectEntries } from '../../src/audit/store.ts'
import { EXIT } from '../../src/cli/index.ts'
import { newId } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { commandLine } from '../support/command-line.ts'
import { inCore, inTenant } from '../support/rows.ts'

const EXPORTED = 10_000
const LONG = 100_000

let test: CheckedPlatform
let address: { readonly port: number }
let inside: SignedInUser
let inOther: SignedInUser
let tenantId: string
let otherId: string
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { TENANT_CONNECTIONS: '1', TENANT_CONNECTIONS_PER_TENANT: '1' } })
  const owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  otherId = (await test.api.createOrganization(owner)).id
  inside = await test.api.login(owner, tenantId)
  inOther = await test.api.login(owner, otherId)
  await inTenant(test.platform, tenantId, fill(EXPORTED, 1_500))
  await inCore(test.platform, fill(LONG, 1))
  await inCore(test.platform, sql`ANALYZE audit_log`)
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  address = test.app.server.address() as { port: number }
})
afterAll(() => test.close())

/** Entries of half a year, one of a thousand by somebody rare. */
function fill(count: number, textLength: number) {
  return sql`INSERT INTO audit_log (id, occurred_at, action, actor_kind, actor_id, target_kind, target_id, outcome, details)
    SELECT (lpad(to_hex(ms >> 16), 8, '0') || '-' || lpad(to_hex(ms & 65535), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
      to_timestamp(ms / 1000.0), CASE WHEN n % 1000 = 0 THEN 'note.lost' ELSE 'note.shared' END, 'user',
      CASE WHEN n % 1000 = 0 THEN ${RARE}::uuid ELSE gen_random_uuid() END, 'note', n::text, 'success', jsonb_build_object('text', repeat('x', ${textLength}))
    FROM (SELECT n, (extract(epoch FROM now() - interval '180 days') * 1000)::bigint + n::bigint * 100000 AS ms
      FROM generate_series(1, ${count}) AS n) AS entries`
}

const RARE = newId()

/** Begins an export, and reads nothing of it. */
async function open(path: string, user: SignedInUser, realm?: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${user.token}`, ...(realm && { 'x-tenant-id': realm }) }
  const sent = request({
    host: '127.0.0.1',
    port: address.port,
    path: `/api/v1${path}`,
    headers,
    agent: false,
  })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function linesOf(response: IncomingMessage): Promise<{ id: string; target: { id: string } }[]> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('an export', () => {
  it(`of ${EXPORTED} entries is whole and oldest first, and holds no connection while nobody reads`, async () => {
    const response = await open('/audit/export', inside, tenantId)
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/x-ndjson; charset=utf-8')
    // The only connection is free: both tenants are served beside it.
    for (let round = 0; round < 3; round++) {
      for (const [user, realm] of [
        [inside, tenantId],
        [inOther, otherId],
      ] as const)
        expect((await test.api.get('/users/me', { token: user.token, tenantId: realm })).status).toBe(200)
    }
    // 15 MB are more than the sockets hold: the end is not asked for yet, and so shows what happens now.
    await test.api.register({ tenantId })
    const entries = await linesOf(response)
    expect(entries.at(-1)).toMatchObject({ action: 'user.registered' })
    const ids = entries.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort())
    const notes = entries.filter((_, index) => index < EXPORTED).map(({ target }) => Number(target.id))
    expect(notes).toEqual(Array.from({ length: EXPORTED }, (_, index) => index + 1))
  })

  it('finds what a list finds', async () => {
    const entries = await linesOf(await open(`/audit/export?actor=${RARE}`, inside, tenantId))
    expect(entries.map(({ target }) => target.id)).toEqual(
      Array.from({ length: EXPORTED / 1000 }, (_, index) => String((index + 1) * 1000)),
    )
  })

  it('is what the command writes too, also of a tenant that is suspended', async () => {
    const line = commandLine(test.databaseUrl)
    const whole = await linesOf(await open('/audit/export', inside, tenantId))
    expect((await line.run(`tenants suspend ${tenantId}`)).code).toBe(EXIT.done)
    const { code, stdout } = await line.run(`audit export --tenant ${tenantId}`)
    expect(code).toBe(EXIT.done)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text)),
    ).toEqual(whole)
    const since = new Date(Date.now() - 86_400_000).toISOString()
    const core = await line.run(`audit export --since ${since} --action organization.`)
    const actions = core.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).action)
    expect(actions).toEqual(['organization.created', 'organization.created', 'organization.suspended'])
    expect((await line.run('audit export --since yesterday')).code).toBe(EXIT.usage)
    expect((await line.run('audit export --action Note')).code).toBe(EXIT.usage)
    expect((await line.run(`audit export --tenant ${newId()}`)).code).toBe(EXIT.usage)
  })
})

describe(`I11 in a log of ${LONG} entries`, () => {
  /** Rows that PostgreSQL looks at, and how it finds them. */
  async function plan(filter: AuditFilter, after?: string): Promise<string> {
    const statement = selectEntries(test.platform.core, filter, { order: 'newest first', after, limit: 101 })
    const explained = sql`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${statement.getSQL()}`
    return (await inCore<{ 'QUERY PLAN': string }>(test.platform, explained))
      .map((row) => row['QUERY PLAN'])
      .join('\n')
  }

  /** Most rows that any node of a plan gave, or took away. */
  const rowsIn = (text: string) =>
    Math.max(
      ...[...text.matchAll(/(?:actual rows=|Rows Removed by Filter: )(\d+)/g)].map(([, rows]) =>
        Number(rows),
      ),
    )

  it.each<[string, AuditFilter, boolean]>([
    ['the first page', {}, false],
    ['a deep page', {}, true],
    ['a deep page of an actor', { actor: RARE }, true],
    ['a deep page of a rare action', { action: 'note.l' }, true],
    ['a target', { target: '777' }, false],
    [
      'an hour',
      {
        since: new Date(Date.now() - 90 * 86_400_000),
        until: new Date(Date.now() - 90 * 86_400_000 + 3_600_000),
      },
      false,
    ],
  ])('%s is found by an index, past no more than it shows', async (_, filter, isDeep) => {
    const [row] = await inCore<{ id: string }>(
      test.platform,
      sql`SELECT id FROM audit_log ORDER BY id LIMIT 1 OFFSET 1000`,
    )
    const text = await plan(filter, isDeep ? row?.id : undefined)
    expect(text).not.toContain('Seq Scan')
    expect(rowsIn(text), text).toBeLessThan(3_000)
  })
})
