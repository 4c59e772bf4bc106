import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, newPerson, register } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { expectRegistryWhole, untilAllIsDone } from '../acceptance/support/registry.ts'
import { type Server, Workspace } from '../acceptance/support/workspace.ts'
import { OwnPostgres } from './support/own-postgres.ts'

const CORE = 'core'

let place: Workspace
let postgres: OwnPostgres
let server: Server
let token: string
beforeAll(async () => {
  place = await Workspace.create()
  postgres = await OwnPostgres.create(place)
  server = await place.serve({ DATABASE_URL: postgres.urlFor(CORE), SPARE_DATABASES: '0' })
  token = await register(server.url, newPerson('owner'))
}, 60_000)
afterAll(async () => {
  await server?.stop()
  await postgres?.[Symbol.asyncDispose]()
  await place?.[Symbol.asyncDispose]()
})

const ask = (name: string) => call(server.url, 'POST /organizations', { token, body: { name } })

const made: string[] = []

it.each<readonly [string, (backend: number) => Promise<void>]>([
  [
    'K10 its backend is told to end',
    (pid) =>
      postgres.asAdmin(async (admin) => void (await admin.query('SELECT pg_terminate_backend($1)', [pid]))),
  ],
  [
    'K10 its backend is killed',
    async (pid) => {
      postgres.killBackend(pid)
      await postgres.untilItAccepts()
    },
  ],
  [
    'K11 PostgreSQL is killed',
    async () => {
      await postgres.crash()
      await postgres.start()
    },
  ],
])(
  'CREATE DATABASE stands half-way when %s: 503, and the request again makes one organization',
  {
    timeout: 60_000,
  },
  async (when, strike) => {
    const reply = await postgres.asAdmin(async (client) => {
      client.on('error', () => undefined)
      // Only a superuser may take this lock, which stops CREATE DATABASE before its end.
      await client.query('BEGIN; LOCK TABLE pg_database IN SHARE MODE')
      const answer = ask(when)
      const pid = await eventually('CREATE DATABASE to stand still', async () => {
        // A transaction sees one and the same list of sessions until it asks for a new one.
        await client.query('SELECT pg_stat_clear_snapshot()')
        const { rows } = await client.query(
          `SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
          WHERE NOT granted AND relation = 'pg_database'::regclass AND query LIKE 'CREATE DATABASE "tenant\\_%'`,
        )
        return rows[0]?.pid as number | undefined
      })
      await strike(pid)
      await client.query('ROLLBACK').catch(() => undefined)
      return await answer
    })
    expect(reply).toMatchObject({ status: 503, body: { code: 'database-unavailable' } })

    await eventually('the organization', async () => {
      const reply = await ask(when)
      if (reply.status !== 201) expect(reply.status, JSON.stringify(reply.body)).toBeOneOf([202, 503])
      return reply.status === 201
    })
    made.push(when)
    const mine = await call(server.url, 'GET /organizations/me', { token })
    expect(mine.body.map(({ name }: { name: string }) => name)).toEqual(made)
    const registry = { adminUrl: postgres.adminUrl, core: CORE }
    await untilAllIsDone(registry)
    await expectRegistryWhole(registry)
  },
)
