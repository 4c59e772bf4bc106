import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { databaseOf } from '../../src/platform/index.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { type ApiReply, unique } from '../support/api-client.ts'
import { onServer } from '../support/databases.ts'
import { inCore } from '../support/rows.ts'
import { type ProxiedPlatform, startProxiedPlatform } from './support/proxied-platform.ts'

let test: ProxiedPlatform
beforeAll(async () => {
  test = await startProxiedPlatform()
  await test.api.createOrganization(test.owner)
})
afterEach(() => test.proxy.heal())
afterAll(() => test.close())

/** What a birth writes into the core database; whatever its steps are, one after another is cut off. */
const touching = /(insert into|update) "?(tenants|organizations)\b/i
const COMMITS = [1, 2, 3, 4, 5, 6, 7, 8, 9]

describe.each([
  ['J13', 'after'],
  ['J14', 'before'],
] as const)('%s the core connection is cut %s a COMMIT of POST /organizations', (_, moment) => {
  it.each(COMMITS)('number %i: the same request again gives the one organization', async (number) => {
    const body = { name: unique('Cut') }
    const create = () => test.api.post('/organizations', body, { token: test.owner.token, faulty: true })
    const database = databaseOf(test.databaseUrl)
    const cut = test.proxy.cutCommit({ database, touching, moment, skip: number - 1 })
    const first = await create()
    // A birth may have fewer commits than this, and what is not its client's business may be cut without harm.
    if (!cut.isDone) expect(first.status).toBe(201)
    else if (first.status !== 201)
      expect(first).toMatchObject({ status: 503, body: { code: 'database-unavailable' } })
    cut.disarm()
    const answered = first.status === 201 ? first : await create()
    await expectOne(body.name, await whenActive(answered))
  })

  /** What a lost request has claimed, another one may have to wait for: 202 after ten seconds. */
  async function whenActive({ status, body }: ApiReply): Promise<ApiReply> {
    expect([201, 202]).toContain(status)
    const call = { token: test.owner.token, faulty: true }
    return await eventually('the organization to be active', async () => {
      const reply = await test.api.get(`/organizations/${body.id}`, call)
      return reply.body.status === 'active' && reply
    })
  }

  /** One organization of this name, which has a database and can be entered. */
  async function expectOne(name: string, { body }: ApiReply): Promise<void> {
    const rows = await inCore(test.platform, sql`SELECT id FROM organizations WHERE name = ${name}`)
    expect(rows).toEqual([{ id: body.id }])
    await expect(test.api.login(test.owner, body.id)).resolves.toMatchObject({ email: test.owner.email })
    const { rows: databases } = await onServer((server) =>
      server.query('SELECT FROM pg_database WHERE datname = $1', [body.database_name]),
    )
    expect(databases).toHaveLength(1)
  }
})
