import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { databaseOf } from '../../src/platform/index.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let proxy: TcpProxy
let database: TestDatabase
const opened: pg.Client[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await TcpProxy.before(inject('postgresUrl'))
  const client = await connected()
  await client.query('CREATE TABLE notes (body text)')
})
afterEach(async () => {
  proxy.heal()
  await Promise.all(opened.splice(0).map((client) => client.end().catch(() => undefined)))
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await database.drop()
})

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.through(database.url), query_timeout: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  opened.push(client)
  return client
}

async function notes(): Promise<string[]> {
  const { rows } = await (await connected()).query('SELECT body FROM notes ORDER BY body')
  return rows.map(({ body }) => body)
}

const armed = (moment: 'before' | 'after') =>
  proxy.cutCommit({ database: databaseOf(database.url), touching: /insert into notes/i, moment })

describe('a commit that is cut off', () => {
  it.each([
    ['before', 'simple', false],
    ['after', 'simple', true],
    ['before', 'prepared', false],
    ['after', 'prepared', true],
  ] as const)('%s it, of a %s statement', async (moment, kind, isThere) => {
    const client = await connected()
    const body = `${kind} ${moment}`
    const insert = { name: 'add', text: 'INSERT INTO notes VALUES ($1)', values: ['prepared once'] }
    if (kind === 'prepared') await client.query(insert)
    const cut = armed(moment)
    await client.query("SELECT 'another statement'")
    const adding =
      kind === 'prepared'
        ? client.query({ ...insert, values: [body] })
        : client.query(`INSERT INTO notes VALUES ('${body}')`)
    await expect(adding).rejects.toThrow()
    await cut.done
    expect((await notes()).includes(body)).toBe(isThere)
  })

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('%s it, of a transaction, whose statements were answered', async (moment, isThere) => {
    const client = await connected()
    const cut = armed(moment)
    await client.query('BEGIN')
    await client.query('INSERT INTO notes VALUES ($1)', [`transaction ${moment}`])
    await client.query('SELECT 1')
    expect(cut.isDone).toBe(false)
    await expect(client.query('COMMIT')).rejects.toThrow()
    await cut.done
    expect((await notes()).includes(`transaction ${moment}`)).toBe(isThere)
  })
})

describe('a connection', () => {
  it('is slow, and comes in single bytes, and is right', async () => {
    const client = await connected()
    proxy.impair({ delayMs: 100, jitterMs: 20, sliceBytes: 1 })
    const askedAt = performance.now()
    const { rows } = await client.query("SELECT repeat('x', 500) AS long")
    expect(rows).toEqual([{ long: 'x'.repeat(500) }])
    expect(performance.now() - askedAt).toBeGreaterThan(190)
  })

  it('falls silent, stays so, and is reset when all is mended', async () => {
    const client = await connected()
    proxy.impair({ blackHole: true }, databaseOf(database.url))
    const asking = client.query('SELECT 1')
    const answered = asking.then(
      () => 'answered',
      () => 'lost',
    )
    await eventually('the bytes to be swallowed', () => proxy.swallowing() > 0)
    proxy.heal()
    expect(await answered).toBe('lost')
    expect(await notes()).toEqual(expect.any(Array))
  })

  it('is refused, to one database or by all, and then works again', async () => {
    const client = await connected()
    const lost = new Promise((resolve) => client.once('end', resolve))
    proxy.impair({ refused: true }, databaseOf(database.url))
    await lost
    await expect(connected()).rejects.toThrow(/ECONNRESET|terminated/)
    proxy.heal()
    await notes()
    await proxy.refuse()
    await expect(connected()).rejects.toThrow('ECONNREFUSED')
    await proxy.listen()
    await notes()
  })
})
