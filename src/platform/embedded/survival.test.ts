import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { ignoreLostConnection } from '../postgres/connection.ts'
import { acquireEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts'
import { readPostmasterState } from './postmaster.ts'
import { serverProcesses } from './processes.ts'
import { guardOf, processesOf, query, scratch, startClient, watcherOf } from './test-support.ts'
import { waitUntil } from './wait-until.ts'

const LIMIT_MS = 10_000

const optionsFor = (dataDir: string) => ({ dataDir, durable: false })
const stopped = (postgres: EmbeddedPostgres) => expect(postgres.release()).resolves.toBe('stopped')
const kill = (pid: number) => process.kill(pid, 'SIGKILL')
const noServer = (location: string) => waitUntil(() => serverProcesses(location).length === 0, LIMIT_MS)

function postmasterOf({ location }: { location: string }): number {
  return readPostmasterState(location)?.pid ?? Number.NaN
}

/** Asks until an answer comes, as an application's pool does after its connections were lost. */
const answers = (url: string) =>
  waitUntil(
    () =>
      query<{ answer: number }>(url, 'SELECT answer FROM kept').then(
        (rows) => rows[0]?.answer === 42,
        () => false,
      ),
    LIMIT_MS,
  )

describe('processes that are killed', { timeout: 30_000 }, () => {
  it('stops PostgreSQL when its only client is', async () => {
    await using place = await scratch()
    const client = await startClient(optionsFor(place.dataDir))
    expect(serverProcesses(client.location).length).toBeGreaterThan(4)
    await client.kill()
    expect(await noServer(client.location)).toBe(true)
  })

  it('stops PostgreSQL when client and guard are, and keeps what was committed', async () => {
    await using place = await scratch()
    const client = await startClient(optionsFor(place.dataDir))
    await query(client.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    kill(guardOf(place.dataDir))
    await client.kill()
    expect(await noServer(client.location)).toBe(true)
    const next = await acquireEmbeddedPostgres(optionsFor(place.dataDir))
    expect(await answers(next.url)).toBe(true)
    await stopped(next)
  })

  it('brings the server back under the same address when only the guard is', async () => {
    await using place = await scratch()
    const log: string[] = []
    const postgres = await acquireEmbeddedPostgres({
      ...optionsFor(place.dataDir),
      log: (line) => log.push(line),
    })
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const first = postmasterOf(postgres)
    kill(guardOf(place.dataDir))
    expect(
      await waitUntil(() => postmasterOf(postgres) > 0 && postmasterOf(postgres) !== first, LIMIT_MS),
    ).toBe(true)
    expect(await answers(postgres.url)).toBe(true)
    expect(log).toContain('the guard of PostgreSQL was lost; another one is started')
    await stopped(postgres)
  })

  it('adopts a server that outlived everything else', async () => {
    await using place = await scratch()
    const client = await startClient(optionsFor(place.dataDir))
    await query(client.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const orphan = postmasterOf(client)
    kill(watcherOf(orphan))
    kill(guardOf(place.dataDir))
    await client.kill()
    expect(serverProcesses(client.location)).toContain(orphan)

    const next = await acquireEmbeddedPostgres(optionsFor(place.dataDir))
    expect(postmasterOf(next)).toBe(orphan)
    expect(next.url).toBe(client.url)
    expect(await answers(next.url)).toBe(true)
    await stopped(next)
    expect(serverProcesses(next.location)).toEqual([])
  })

  it("restarts PostgreSQL's main process, though a computation still runs in another", async () => {
    await using place = await scratch()
    // Without `durable: false`, which gives up commits of the last moments.
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir })
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const busy = new pg.Client({ connectionString: postgres.url })
    busy.on('error', ignoreLostConnection)
    await busy.connect()
    const computing = busy.query('SELECT count(*) FROM generate_series(1, 10000000000)').catch(() => 'lost')
    const first = postmasterOf(postgres)
    kill(first)
    expect(await computing).toBe('lost')
    expect(await answers(postgres.url)).toBe(true)
    expect(postmasterOf(postgres)).not.toBe(first)
    await stopped(postgres)
  })

  it('gives up on a server that dies again and again', async () => {
    await using place = await scratch()
    const log: string[] = []
    const postgres = await acquireEmbeddedPostgres({
      ...optionsFor(place.dataDir),
      log: (line) => log.push(line),
    })
    const killed = new Set<number>()
    const down = await waitUntil(() => {
      const pid = postmasterOf(postgres)
      const ready = readPostmasterState(postgres.location)?.status === 'ready'
      if (ready && !killed.has(pid) && serverProcesses(postgres.location).includes(pid)) {
        killed.add(pid)
        kill(pid)
      }
      return log.some((line) => line.startsWith('PostgreSQL died or did not start 6 times'))
    }, LIMIT_MS)
    expect([down, killed.size]).toEqual([true, 6])
    await stopped(postgres)
  })

  it('begins again where initdb was interrupted', async () => {
    await using place = await scratch()
    const client = startClient(optionsFor(place.dataDir)).catch(() => 'killed')
    const unfinished = await waitUntil(
      () => readdirSync(place.path, { recursive: true }).find((name) => /new-\w+\/base$/.test(String(name))),
      LIMIT_MS,
    )
    expect(unfinished).toBeDefined()
    for (const { pid } of processesOf(place.dataDir)) kill(pid)
    expect(await client).toBe('killed')
    const postgres = await acquireEmbeddedPostgres(optionsFor(place.dataDir))
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(readdirSync(place.dataDir).filter((name) => name.includes('.new'))).toEqual([])
    await stopped(postgres)
  })
})

describe('a postmaster.pid that is out of date', { timeout: 30_000 }, () => {
  it.each(['a process that is gone', "another program of PostgreSQL's user"])('names %s', async (what) => {
    await using place = await scratch()
    const client = await startClient(optionsFor(place.dataDir))
    const pidFile = join(client.location, 'postmaster.pid')
    const content = await readFile(pidFile, 'utf8')
    const { uid, gid } = await stat(client.location)
    expect(await client.release()).toBe('stopped')
    const other = spawn('sleep', ['60'], { uid, gid })
    if (what === 'a process that is gone') {
      other.kill('SIGKILL')
      await new Promise((resolve) => other.once('exit', resolve))
    }
    await writeFile(pidFile, content.replace(/^\d+/, String(other.pid)))

    const postgres = await acquireEmbeddedPostgres(optionsFor(place.dataDir))
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await stopped(postgres)
    other.kill('SIGKILL')
  })
})

describe('a guard that is told to end', { timeout: 30_000 }, () => {
  it('stops PostgreSQL and says so', async () => {
    await using place = await scratch()
    const log: string[] = []
    const postgres = await acquireEmbeddedPostgres({
      ...optionsFor(place.dataDir),
      log: (line) => log.push(line),
    })
    const guard = guardOf(place.dataDir)
    for (const ignored of ['SIGINT', 'SIGHUP'] as const) process.kill(guard, ignored)
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    process.kill(guard, 'SIGTERM')
    expect(await waitUntil(() => processesOf(place.dataDir).length === 0, LIMIT_MS)).toBe(true)
    expect(log).toEqual(['PostgreSQL was stopped, because its guard was told to end (SIGTERM)'])
    await stopped(postgres)
    expect(readFileSync(join(place.dataDir, 'postgres-18.log'), 'utf8')).toContain(
      'received fast shutdown request',
    )
  })
})
