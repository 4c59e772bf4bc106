import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isRoot, parsePasswd, runAs } from './account.ts'
import { acquireEmbeddedPostgres } from './embedded-postgres.ts'
import { query, scratch, startClient } from './test-support.ts'

const NOBODY = { name: 'nobody', uid: 65_534, gid: 65_534 }

/** Not so where the clone lies in a home that only its owner may enter. */
const sharedClone =
  isRoot() && (await runAs(NOBODY, '/bin/sh', ['-c', 'cat "$1"', 'sh', import.meta.filename])).ok

const works = async (url: string) => expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])

describe.skipIf(!isRoot())('run by root', { timeout: 30_000 }, () => {
  it('runs PostgreSQL as another user, and keeps the rest to itself', async () => {
    await using place = await scratch()
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir, durable: false })
    expect((await stat(postgres.location)).uid).not.toBe(0)
    const owners = await Promise.all(
      ['', 'postgres-credentials.json', 'postgres-18.log'].map((name) => stat(join(place.dataDir, name))),
    )
    expect(owners.map(({ uid, mode }) => [uid, (mode & 0o777).toString(8)])).toEqual([
      [0, '711'],
      [0, '600'],
      [0, '600'],
    ])
    await postgres.release()
  })

  it('opens a data directory that was made for root alone', async () => {
    await using place = await scratch()
    await mkdir(place.dataDir, { mode: 0o700 })
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir, durable: false })
    expect(postgres.location).toBe(join(place.dataDir, 'postgres-18'))
    await postgres.release()
  })

  it('stays with the user that the data directory belongs to', async () => {
    await using place = await scratch()
    await mkdir(place.dataDir, { mode: 0o700 })
    await chown(place.dataDir, NOBODY.uid, NOBODY.gid)
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir, durable: false })
    await works(postgres.url)
    expect(await postgres.release()).toBe('stopped')
    for (const name of await readdir(place.dataDir)) {
      expect([name, (await stat(join(place.dataDir, name))).uid]).toEqual([name, NOBODY.uid])
    }
  })

  it('goes to a state directory where the clone cannot be reached, and says so', async () => {
    await using place = await scratch()
    await chmod(place.path, 0o700)
    const log: string[] = []
    const start = (dataDir = place.dataDir) =>
      acquireEmbeddedPostgres({ dataDir, durable: false, log: (line) => log.push(line) })
    const first = await start()
    const stateDir = dirname(first.location)
    try {
      expect(first.location).toMatch(/^\/var\/lib\/tenantry\/[0-9a-f]{12}\/postgres-18$/)
      expect(log).toEqual([expect.stringContaining(`PostgreSQL's files lie in ${first.location}`)])
      await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
      await first.release()

      const second = await start()
      expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
      await second.release()

      const moved = join(place.path, 'moved')
      await rename(place.dataDir, moved)
      await expect(start(moved)).rejects.toThrow(`its database is still in ${first.location}`)

      await rm(moved, { recursive: true })
      const anew = await start()
      expect(anew.location).toBe(first.location)
      expect(log.join('\n')).toContain(`set aside in ${first.location}.left-`)
      await expect(query(anew.url, 'SELECT answer FROM kept')).rejects.toMatchObject({ code: '42P01' })
      await anew.release()
    } finally {
      await rm(stateDir, { recursive: true, force: true })
    }
  })

  it('explains a database that its user can no longer reach', async () => {
    await using place = await scratch()
    const postgres = await acquireEmbeddedPostgres({ dataDir: place.dataDir, durable: false })
    await postgres.release()
    await chmod(place.path, 0o700)
    const again = acquireEmbeddedPostgres({ dataDir: place.dataDir, durable: false })
    await expect(again).rejects.toThrow(`cannot reach ${postgres.location}: let others pass`)
    expect(existsSync(postgres.location)).toBe(true)
  })
})

describe('run by an ordinary user', { timeout: 30_000 }, () => {
  it.skipIf(!sharedClone)('runs PostgreSQL as that user, out of sight of others', async () => {
    await using place = await scratch()
    await chmod(place.path, 0o777)
    const client = await startClient({ dataDir: place.dataDir, durable: false }, NOBODY)
    await works(client.url)
    expect(client.location).toBe(join(place.dataDir, 'postgres-18'))
    for (const path of [place.dataDir, client.location]) {
      const { uid, mode } = await stat(path)
      expect([uid, (mode & 0o777).toString(8)]).toEqual([NOBODY.uid, '700'])
    }
    expect(await client.release()).toBe('stopped')
  })

  it.skipIf(!sharedClone)("does not touch another user's data directory, and says what to do", async () => {
    await using place = await scratch()
    await mkdir(place.dataDir)
    await expect(startClient({ dataDir: place.dataDir }, NOBODY)).rejects.toThrow(
      `EmbeddedPostgresError: the data directory ${place.dataDir} belongs to another user (uid 0, this is uid 65534): run as`,
    )
    expect(await readdir(place.dataDir)).toEqual([])
  })
})

describe('parsePasswd', () => {
  it('reads what is well-formed', () => {
    const text = 'root:x:0:0:root:/root:/bin/sh\n# comment\n\npostgres:x:70:71::/var/lib:/bin/sh\nbroken:x'
    expect(parsePasswd(text)).toEqual([
      { name: 'root', uid: 0, gid: 0 },
      { name: 'postgres', uid: 70, gid: 71 },
    ])
  })
})
