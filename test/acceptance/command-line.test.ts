import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExternalPostgres, startExternalPostgres } from './support/external-postgres.ts'
import { json } from './support/json.ts'
import type { Finished } from './support/processes.ts'
import { PROJECT } from './support/project.ts'
import { connectTo } from './support/running-postgres.ts'
import { Workspace } from './support/workspace.ts'

/**
 * The advisory lock that stands for "somebody migrates this database". It may never change: an old and a new release
 * would migrate side by side.
 */
const MIGRATION_LOCK = '8387227955466269561'

let place: Workspace
let postgres: ExternalPostgres
beforeAll(async () => {
  place = await Workspace.create()
  postgres = await startExternalPostgres(place)
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

/** Runs commands on one core database. */
function commandsOn(database: string): (args: string) => Promise<Finished> {
  return (args) => place.tenantry(args, { DATABASE_URL: postgres.urlFor(database) })
}

describe.concurrent('tenantry migrate … core', { timeout: 90_000 }, () => {
  it('goes up, down and up again, and tells where it stands', async () => {
    await emptyDatabase('cycle')
    const run = commandsOn('cycle')
    const fresh = json(await run('migrate status core --check --json'), 3)
    expect(fresh).toMatchObject({ database: 'core', current: null })
    const files: { version: string; name: string; state: string }[] = fresh.migrations
    expect(files[0]).toMatchObject({ name: 'initial', state: 'pending' })
    const { version, name } = files.at(-1) ?? {}
    const preview = await run('migrate up core --dry-run')
    expect(preview.code).toBe(0)
    expect(preview.stdout).toContain('CREATE TABLE "organizations"')

    const { applied } = json(await run('migrate up core --json'))
    expect(applied).toEqual(files.map((file) => ({ version: file.version, name: file.name })))
    const unconfirmed = await run('migrate down core --allow-data-loss')
    expect(unconfirmed).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') })
    const clean = await run('migrate status core --check')
    expect(clean).toMatchObject({ code: 0, stderr: '' })
    expect(clean.stdout).toMatch(new RegExp(`^VERSION .*\n(.*\n)*${version}  ${name} +applied `))

    const down = await run('migrate down core --yes --allow-data-loss')
    expect(down).toMatchObject({ code: 0, stdout: `core: reverted ${version} ${name}\n` })
    expect((await run('migrate up core')).stdout).toBe(`core: applied ${version} ${name}\n`)
    const { history } = json(await run('migrate history core --json'))
    const directions = history.map((entry: { direction: string }) => entry.direction)
    expect(directions).toEqual([...files.map(() => 'up'), 'down', 'up'])
  })

  it('L applies each file once when two run at the same time on a server that has nothing yet', async () => {
    const run = commandsOn('twice')
    const both = await Promise.all([run('migrate up core --json'), run('migrate up core --json')])
    const counts: number[] = both.map((one) => json(one).applied.length)
    const { history } = json(await run('migrate history core --json'))
    expect(counts.toSorted()).toEqual([0, history.length])
  })

  it('waits for a lock that is held elsewhere, and says so', async () => {
    const DATABASE_URL = await emptyDatabase('waited')
    const holder = await connectTo(DATABASE_URL)
    await holder.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`)
    const waiting = place.startTenantry(['migrate', 'up', 'core'], { DATABASE_URL })
    await waiting.says(/waiting for it/)
    await holder.end()
    expect(await waiting.finished()).toMatchObject({ code: 0, stdout: expect.stringContaining('applied') })
  })

  it('exits 5 when it waited in vain', async () => {
    const holder = await connectTo(await emptyDatabase('held'))
    await holder.query(`SET application_name = 'the other one'; SELECT pg_advisory_lock(${MIGRATION_LOCK})`)
    const { code, stdout, stderr } = await commandsOn('held')('migrate up core --json')
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toContain('the other one')
    const { rows } = await holder.query(`SELECT to_regclass('public.organizations') AS made`)
    expect(rows).toEqual([{ made: null }])
    await holder.end()
  })
})

describe('tenantry', { timeout: 90_000 }, () => {
  it.each(['nonsense', 'migrate up core --nonsense', '--json migrate down core'])(
    '%s is a mistake: exit 2, nothing on stdout',
    async (args) => {
      const { code, stdout, stderr } = await commandsOn('mistakes')(args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).not.toBe('')
      expect(stderr).not.toMatch(/\n\s+at /)
    },
  )

  it('says its version on stdout', async () => {
    const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'))
    expect(await place.tenantry('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('with --json prints one JSON document and nothing else, wherever it stands', async () => {
    const run = commandsOn('documents')
    json(await run('--json migrate up core'))
    for (const command of [
      'migrate up core --dry-run',
      'migrate up tenants',
      'migrate status tenants',
      'tenants list',
    ])
      json(await run(`${command} --json`))
  })
})

/** Makes a database of the platform's role that nobody has migrated yet. */
async function emptyDatabase(name: string): Promise<string> {
  const admin = await connectTo(postgres.adminUrl)
  await admin.query(`CREATE DATABASE ${name} OWNER platform`)
  await admin.end()
  return postgres.urlFor(name)
}
