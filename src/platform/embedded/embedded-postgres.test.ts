import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withDatabase } from '../postgres/connection.ts'
import { acquireEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { guardAddress } from './protocol.ts'
import { processesOf, query, scratch, startClient } from './test-support.ts'

const acquire = (dataDir: string, settings = {}, log?: (message: string) => void) =>
  acquireEmbeddedPostgres({ dataDir, durable: false, settings, ...(log && { log }) })

const stopped = (postgres: EmbeddedPostgres) => expect(postgres.release()).resolves.toBe('stopped')

describe('a fresh data directory', { timeout: 30_000 }, () => {
  it('gets a UTF-8 database that is reached on 127.0.0.1 only', async () => {
    await using place = await scratch()
    const postgres = await acquire(place.dataDir, { work_mem: '5MB' })
    const settings = await query<{ name: string; setting: string }>(
      postgres.adminUrl,
      `SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories', 'fsync',
         'max_connections', 'work_mem', 'server_encoding')`,
    )
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'off',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
      server_encoding: 'UTF8',
      unix_socket_directories: '',
      work_mem: '5120',
    })
    const [locale] = await query(
      postgres.url,
      "SELECT datlocprovider, datlocale, lower('ÄÖ') AS lower FROM pg_database WHERE datname = current_database()",
    )
    expect(locale).toEqual({ datlocprovider: 'b', datlocale: 'C.UTF-8', lower: 'äö' })
    await stopped(postgres)
  })

  it('is durable unless asked otherwise', async () => {
    await using place = await scratch()
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir })
    expect(await query(postgres.adminUrl, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
    expect(await query(postgres.adminUrl, 'SHOW full_page_writes')).toEqual([{ full_page_writes: 'on' }])
    await stopped(postgres)
  })

  it('keeps its secrets to its owner', async () => {
    await using place = await scratch()
    await stopped(await acquire(place.dataDir))
    for (const file of await readdir(place.dataDir, { withFileTypes: true })) {
      const { mode } = await stat(join(place.dataDir, file.name))
      expect([file.name, (mode & 0o077).toString(8)]).toEqual([file.name, '0'])
    }
  })

  it('has a platform role that may make databases and roles, and nothing beyond', async () => {
    await using place = await scratch()
    const postgres = await acquire(place.dataDir)
    const roles = await query(
      postgres.url,
      `SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user`,
    )
    expect(roles).toEqual([
      {
        rolsuper: false,
        rolcreatedb: true,
        rolcreaterole: true,
        rolcanlogin: true,
        rolreplication: false,
        rolbypassrls: false,
      },
    ])
    const [kept] = await query<{ verifier: string }>(
      postgres.adminUrl,
      "SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = 'tenantry'",
    )
    expect(kept?.verifier).toMatch(/^SCRAM-SHA-256\$/)
    await stopped(postgres)
  })

  it('lets nobody into its databases who was not admitted', async () => {
    await using place = await scratch()
    const postgres = await acquire(place.dataDir)
    await query(postgres.url, "CREATE ROLE stranger LOGIN PASSWORD 'known'")
    const url = new URL(postgres.url)
    url.username = 'stranger'
    url.password = 'known'
    for (const database of ['postgres', 'template1', 'tenantry']) {
      await expect(query(withDatabase(url.href, database), 'SELECT 1')).rejects.toMatchObject({
        code: '42501',
      })
    }
    await stopped(postgres)
  })
})

describe('sharing', { timeout: 30_000 }, () => {
  it('gives everybody the same server, which stops with the last release and keeps its data', async () => {
    await using place = await scratch()
    const first = await acquire(place.dataDir)
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const second = await acquire(place.dataDir)
    expect(second.url).toBe(first.url)
    expect(await first.release()).toBe('in-use')
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await stopped(second)
    expect(processesOf(first.location)).toEqual([])

    const later = await acquire(place.dataDir)
    expect(later.url).toBe(first.url)
    expect(await query(later.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await stopped(later)
  })

  it('moves to another port when somebody took the last one', async () => {
    await using place = await scratch()
    const first = await acquire(place.dataDir)
    await stopped(first)
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(Number(new URL(first.url).port), '127.0.0.1', resolve))
    const second = await acquire(place.dataDir)
    expect(new URL(second.url).port).not.toBe(new URL(first.url).port)
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await stopped(second)
    await new Promise((resolve) => other.close(resolve))
  })

  it('gives two processes that start at once the same server', async () => {
    await using place = await scratch()
    const options = { dataDir: place.dataDir, durable: false }
    const [one, other] = await Promise.all([startClient(options), startClient(options)])
    expect(one.url).toBe(other.url)
    expect(await query(one.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect([await one.release(), await other.release()]).toEqual(['in-use', 'stopped'])
  })

  it('never leaves without a server who comes while the last one goes', async () => {
    await using place = await scratch()
    let current = await acquire(place.dataDir)
    for (let round = 0; round < 8; round++) {
      const leaving = current.release()
      const coming = acquire(place.dataDir)
      await leaving
      current = await coming
      expect(await query(current.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    }
    await stopped(current)
  })
})

describe('what cannot start says why', { timeout: 30_000 }, () => {
  const failure = (started: Promise<unknown>) =>
    started.then(
      () => expect.unreachable('it started'),
      (error: unknown) => {
        expect(error).toBeInstanceOf(EmbeddedPostgresError)
        return (error as Error).message
      },
    )

  it('tells the end of the log', async () => {
    await using place = await scratch()
    const message = await failure(acquire(place.dataDir, { shared_buffers: 'plenty' }))
    expect(message).toMatch(/^PostgreSQL did not start; its log .*postgres-18\.log.* ends with:\n/)
    expect(message).toContain('invalid value for parameter "shared_buffers"')
  })

  it('leaves the database of another major version alone', async () => {
    await using place = await scratch()
    const other = join(place.dataDir, 'postgres-17')
    await mkdir(other, { recursive: true })
    await writeFile(join(other, 'PG_VERSION'), '17\n')
    expect(await failure(acquire(place.dataDir))).toContain(`${other} was made by another major version`)
    expect(await readdir(place.dataDir)).not.toContain('postgres-18')
    expect(await readdir(other)).toEqual(['PG_VERSION'])
  })

  it('does not use a database whose credentials were removed', async () => {
    await using place = await scratch()
    await stopped(await acquire(place.dataDir))
    await rm(join(place.dataDir, 'postgres-credentials.json'))
    expect(await failure(acquire(place.dataDir))).toContain('put postgres-credentials.json back')
  })

  it('refuses a path that is no directory', async () => {
    await using place = await scratch()
    await writeFile(place.dataDir, '')
    expect(await failure(acquire(place.dataDir))).toContain(`cannot use the data directory ${place.dataDir}`)
  })

  it('does not believe another process that took the address of the guard', async () => {
    await using place = await scratch()
    await stopped(await acquire(place.dataDir))
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.write(`${JSON.stringify({ type: 'ready', port: 1, directory: '/', proof: 'none' })}\n`)
    })
    await new Promise<void>((resolve) => impostor.listen(guardAddress(place.dataDir), resolve))
    expect(await failure(acquire(place.dataDir))).toContain('does not know its credentials')
    await new Promise((resolve) => impostor.close(resolve))
  })
})
