import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import type { StartedProcess } from '../acceptance/support/processes.ts'
import { copyProject } from '../acceptance/support/project.ts'
import { connectTo } from '../acceptance/support/running-postgres.ts'
import { CORE, type House, joinIn, startHouse } from './support/house.ts'
import { SteadyReader } from './support/steady-reader.ts'

const TENANTS = 12
/** Longer than a dead process keeps its lease. */
const LEASE_WITHIN_MS = 40_000

let house: House
let project: string
let tenants: string[]
beforeAll(async () => {
  house = await startHouse({ SPARE_DATABASES: '0' })
  project = await copyProject(join(house.place.path, 'project'))
  tenants = []
  for (let index = 0; index < TENANTS; index++)
    tenants.push(await createOrganization(house.server.url, house.ownerToken, `Tenant ${index}`))
  tenants.sort()
}, 90_000)
afterAll(() => house[Symbol.asyncDispose]())

let year = 2090
/** A file that is slow enough to be interrupted, and says in its table how often it ran. */
async function slowFile(
  table: string,
  seconds = 0.2,
): Promise<{ version: string; remove: () => Promise<void> }> {
  const version = `${year++}0101000000`
  const path = join(project, 'migrations', 'tenant', `${version}_${table}.sql`)
  const up = `CREATE TABLE ${table} (id int);\nSELECT pg_sleep(${seconds});\nINSERT INTO ${table} VALUES (1);`
  await writeFile(path, `-- migrate:up\n${up}\n-- migrate:down\nDROP TABLE ${table};\n`)
  return { version, remove: () => rm(path) }
}

function start(args: string): StartedProcess {
  const DATABASE_URL = house.postgres.urlFor(CORE)
  return house.place.startTenantry(args.split(' '), { DATABASE_URL }, project)
}

async function run(args: string, expected = 0) {
  const { code, stdout, stderr } = await start(args).finished()
  if (code !== expected) throw new Error(`${args}: exit ${code}, not ${expected}\n${stdout}${stderr}`)
  return { stdout, stderr }
}

/** Starts a run and waits until so many tenants are done. */
async function startRun(args: string, done: number): Promise<{ process: StartedProcess; runId: string }> {
  const process = start(`${args} --json`)
  const [, runId = ''] = await process.says(/"run_id":"([\w-]+)"/)
  await eventually('tenants that are done', () => process.stdout.split('"status":"done"').length > done)
  return { process, runId }
}

async function inTenant<T>(tenantId: string, work: (tenant: pg.Client) => Promise<T>): Promise<T> {
  const tenant = await connectTo(house.postgres.urlFor(`tenant_${tenantId}`))
  try {
    return await work(tenant)
  } finally {
    await tenant.end()
  }
}

/** How often a file ran to its end in each tenant, by what it left and by the ledger: both must agree. */
async function timesRun(table: string, version: string): Promise<number[]> {
  const times: number[] = []
  for (const id of tenants) {
    times.push(
      await inTenant(id, async (tenant) => {
        const history = await tenant.query(
          "SELECT count(*)::int AS ups FROM tenantry.migration_history WHERE version = $1 AND direction = 'up'",
          [version],
        )
        const { rows } = await tenant.query('SELECT to_regclass($1) IS NOT NULL AS there', [table])
        const left = rows[0].there ? (await tenant.query(`SELECT id FROM ${table}`)).rows.length : 0
        expect(left).toBe(history.rows[0].ups)
        return left
      }),
    )
  }
  return times
}

const each = <T>(value: T): T[] => tenants.map(() => value)

/** The lease of a killed process has to run out first. */
async function resumeSoon(verb: string, runId: string): Promise<StartedProcess> {
  let last: StartedProcess | undefined
  await eventually(
    'the lease to run out',
    async () => {
      last = start(`runs ${verb} ${runId} --json`)
      await eventually('a word', () => last?.ending ?? /"kind":"planned"/.test(last?.stdout ?? ''))
      return last.ending?.code !== 5
    },
    { withinMs: LEASE_WITHIN_MS },
  )
  if (!last) throw new Error('it was never started')
  return last
}

describe('a run over many tenants', { timeout: 120_000 }, () => {
  it('L2 that is killed twice goes on where it was: no file twice, none half', async () => {
    const { version } = await slowFile('killed')
    const first = await startRun('migrate up tenants --concurrency 2', 2)
    first.process.kill('SIGKILL')
    await first.process.exited()
    const second = await resumeSoon('resume', first.runId)
    await eventually('one more', () => second.stdout.includes('"status":"done"'))
    second.kill('SIGKILL')
    await second.exited()
    const third = await resumeSoon('resume', first.runId)
    expect((await third.finished()).code).toBe(0)
    expect(await timesRun('killed', version)).toEqual(each(1))
    const { stdout } = await run(`runs show ${first.runId} --json`)
    const shown = JSON.parse(stdout)
    expect(shown).toMatchObject({ status: 'finished', succeeded: TENANTS, failed: 0, not_tried: 0 })
    // Also those that were applied by a process that could not tell any more.
    for (const tenant of shown.tenants) expect(tenant.versions).toEqual([version])
    await run(`runs rollback ${first.runId} --yes --allow-data-loss`)
    for (const id of tenants)
      await inTenant(id, async (tenant) => {
        expect((await tenant.query("SELECT to_regclass('killed') AS found")).rows[0].found).toBeNull()
      })
    await run('migrate up tenants')
  })

  it('L3 keeps a second runner out, which says who is at work; an interrupt pauses it', async () => {
    // Long enough for a second command to start beside it.
    const { version } = await slowFile('paused', 1.5)
    const { process, runId } = await startRun('migrate up tenants --concurrency 2', 1)
    const second = await run('migrate up tenants', 5)
    expect(second.stderr).toMatch(new RegExp(`Run ${runId} is being carried out by .*process ${process.pid}`))
    process.kill('SIGINT')
    const paused = await process.finished()
    expect(paused.code).toBe(130)
    expect(paused.stderr).toContain(`tenantry runs resume ${runId}`)
    const times = await timesRun('paused', version)
    expect(times).toContain(0)
    expect(times).toContain(1)
    await run('migrate status tenants --check', 3)
    await run(`runs resume ${runId}`)
    expect(await timesRun('paused', version)).toEqual(each(1))
    await run('migrate status tenants --check')
  })

  it('J2 outlasts a PostgreSQL that dies and comes back in the middle', async () => {
    const { version } = await slowFile('restarted')
    const { process } = await startRun('migrate up tenants --concurrency 2', 2)
    await house.postgres.crash()
    await house.postgres.start()
    const { code, stderr } = await process.finished()
    expect(stderr).not.toMatch(/failed (?!0\b)/)
    expect(code).toBe(0)
    expect(await timesRun('restarted', version)).toEqual(each(1))
  })

  it('L7 L1 goes past tenants that are broken, away or locked, and takes them up with a retry', async () => {
    const { version } = await slowFile('broken')
    const [poisoned = '', locked = '', gone = ''] = tenants
    await inTenant(poisoned, (tenant) => tenant.query('CREATE TABLE broken (id int)'))
    const rename = (from: string, to: string) =>
      house.postgres.asAdmin(async (admin) => {
        await admin.query(`ALTER DATABASE "${from}" WITH ALLOW_CONNECTIONS false`)
        await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [from])
        await admin.query(`ALTER DATABASE "${from}" RENAME TO "${to}"`)
        await admin.query(`ALTER DATABASE "${to}" WITH ALLOW_CONNECTIONS true`)
      })
    await rename(`tenant_${gone}`, 'elsewhere')
    const holder = await connectTo(house.postgres.urlFor(`tenant_${locked}`))
    await holder.query('SELECT pg_advisory_lock(8387227955466269561)')
    const { stdout, stderr } = await run('migrate up tenants --json --canary 0 --abort-after 9', 4)
    await holder.end()
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const codeOf = (id: string) => lines.find((line) => line.id === id)?.failure?.code
    expect([codeOf(poisoned), codeOf(locked), codeOf(gone)]).toEqual([
      'migration-failed',
      'busy',
      'missing-database',
    ])
    expect(lines.at(-1)).toMatchObject({ kind: 'summary', succeeded: TENANTS - 3, failed: 2, left: 1 })
    const [, retry = ''] = /tenantry (runs retry [\w-]+)/.exec(stderr) ?? []
    await inTenant(poisoned, (tenant) => tenant.query('DROP TABLE broken'))
    await rename('elsewhere', `tenant_${gone}`)
    await run(retry)
    expect(await timesRun('broken', version)).toEqual(each(1))
  })

  it('stops when the canary fails, or too many of the others', async () => {
    const { remove } = await slowFile('canary')
    const [canary = ''] = tenants
    await inTenant(canary, (tenant) => tenant.query('CREATE TABLE canary (id int)'))
    const { stdout, stderr } = await run('migrate up tenants --json', 4)
    expect(stderr).toContain('the canary failed')
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      status: 'stopped',
      failed: 1,
      not_tried: TENANTS - 1,
    })
    await inTenant(canary, (tenant) => tenant.query('DROP TABLE canary'))
    await remove()
  })

  it('L8 lets people work: a change that fits the running program makes no error', async () => {
    const version = `${year++}0101000000`
    const path = join(project, 'migrations', 'tenant', `${version}_expand.sql`)
    const up = "ALTER TABLE users ADD COLUMN nickname text NOT NULL DEFAULT '';\nSELECT pg_sleep(0.1);"
    await writeFile(path, `-- migrate:up\n${up}\n-- migrate:down\nALTER TABLE users DROP COLUMN nickname;\n`)
    const residents = await Promise.all(tenants.slice(0, 4).map((id) => joinIn(house.server, id)))
    const readers = residents.map((resident) => new SteadyReader(house.server, resident))
    await eventually('the first answers', () => readers.every(({ statuses }) => (statuses[200] ?? 0) > 2))
    await run('migrate up tenants')
    const answered = () => readers.map(({ statuses }) => statuses[200] ?? 0)
    const before = answered()
    await eventually('answers after it', () =>
      answered().every((count, index) => count > (before[index] ?? 0)),
    )
    await Promise.all(readers.map((reader) => reader.stop()))
    for (const { statuses } of readers) expect(Object.keys(statuses)).toEqual(['200'])
    await run('migrate down tenants --yes --allow-data-loss')
    await rm(path)
  })

  it('L9 takes up an organization that is born meanwhile', async () => {
    const { version, remove } = await slowFile('born')
    const { process } = await startRun('migrate up tenants --concurrency 2', 1)
    const id = await createOrganization(house.server.url, house.ownerToken, 'Newcomer')
    expect((await process.finished()).code).toBe(0)
    tenants.push(id)
    expect(await timesRun('born', version)).toEqual(each(1))
    await remove()
  })
})
