import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withDatabase } from '../../src/platform/index.ts'
import { createOrganization, register } from '../support/api.ts'
import { connected, milliseconds } from '../support/databases.ts'
import { atMost, type Row } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { inParallel } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const PARALLEL = 4
const LEFT_OUT = ['node_modules', '.git', 'coverage', '.tenantry']

/**
 * `migrate up tenants` with one pending file, against `psql -1 -f` in as many parallel processes; the same with nothing to
 * do; and how many tenants a run with its defaults touches when 2 % of them are poisoned.
 */
export const fleetRun: Measurement = async ({ databaseUrl, directory, withServer }, effort) => {
  const psql = await findPsql()
  if (!psql) return [] // Said on stderr.
  const names = await withServer({ SPARE_DATABASES: '2' }, async ({ url }) => {
    const owner = await register(url)
    const made = await inParallel(Array.from({ length: effort.tenants(200, 8) }), () =>
      createOrganization(url, owner),
    )
    return made.map(({ database_name }) => database_name)
  })
  const project = await copyProject(join(directory, 'project'))
  const fleet = (args: string) => runCommand(project, directory, databaseUrl, args)
  const runs: Pair[] = []
  const idles: Pair[] = []
  for (let round = 0; round < effort.rounds(3); round++) {
    await writeMigration(project, `209${round}0101000000`, `round_${round}`, '')
    const measured = await milliseconds(() => fleet(`migrate up tenants --concurrency ${PARALLEL}`))
    const script = join(directory, `baseline_${round}.sql`)
    await writeFile(script, `CREATE TABLE baseline_${round} (id int PRIMARY KEY);\n`)
    const baseline = await milliseconds(() =>
      inParallel(names, (name) => runPsql(psql, withDatabase(databaseUrl, name), script), PARALLEL),
    )
    runs.push({ measured, baseline })
    const idle = await milliseconds(() => fleet(`migrate up tenants --concurrency ${PARALLEL}`))
    idles.push({ measured: idle, baseline })
  }
  return [
    {
      name: `fleet run over ${names.length} tenants, one file`,
      against: `psql -1 -f, ${PARALLEL} processes at a time`,
      unit: 'ms',
      ...summarize(runs),
      atLeast: atMost(1.5),
      aim: atMost(1),
    },
    {
      name: 'the same with nothing to do, process start included',
      against: `psql -1 -f, ${PARALLEL} processes at a time`,
      unit: 'ms',
      ...summarize(idles),
      aim: atMost(0.02),
    },
    await touchedBeforeStop(databaseUrl, names, project, fleet),
  ]
}

/** Poisons every fiftieth tenant, from the middle of the first fifty on. */
async function touchedBeforeStop(
  databaseUrl: string,
  names: readonly string[],
  project: string,
  fleet: (args: string) => Promise<string>,
): Promise<Row> {
  const poisoned = [...names].sort().filter((_, index) => index % 50 === 25)
  for (const name of poisoned)
    await connected(withDatabase(databaseUrl, name), (tenant) =>
      tenant.query('CREATE TABLE public.poison (id int)'),
    )
  await writeMigration(project, '20990101000000', 'poison', '')
  const output = await fleet(`migrate up tenants --json --concurrency ${PARALLEL} --abort-after 1`)
  const summary = JSON.parse(output.trim().split('\n').at(-1) ?? '{}')
  return {
    name: 'tenants touched before the stop rule held, 2 % poisoned, --abort-after 1',
    against: 'all tenants',
    unit: 'tenants',
    measured: summary.succeeded + summary.failed,
    baseline: names.length,
    ratio: (summary.succeeded + summary.failed) / names.length,
    rounds: 1,
    aim: atMost(0.01),
  }
}

async function copyProject(target: string): Promise<string> {
  const source = join(import.meta.dirname, '../..')
  await mkdir(target)
  await cp(source, target, {
    recursive: true,
    filter: (path) => !LEFT_OUT.some((name) => path === join(source, name)),
  })
  await symlink(join(source, 'node_modules'), join(target, 'node_modules'))
  return target
}

async function writeMigration(project: string, version: string, table: string, more: string): Promise<void> {
  const text = `-- migrate:up\nCREATE TABLE ${table} (id int PRIMARY KEY);\n${more}-- migrate:down\nDROP TABLE ${table};\n`
  await writeFile(join(project, 'migrations', 'tenant', `${version}_${table}.sql`), text)
}

/** Runs a command to its end; exit code 4 is a run with failed tenants. */
async function runCommand(
  project: string,
  dataDir: string,
  databaseUrl: string,
  args: string,
): Promise<string> {
  const child = spawn(process.execPath, [join(project, 'src/main/tenantry.ts'), ...args.split(' ')], {
    env: { PATH: process.env['PATH'] ?? '', TENANTRY_DATA_DIR: dataDir, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = await once(child, 'close')
  if (code !== 0 && code !== 4) throw new Error(`${args} ended with ${code}: ${stderr}`)
  return stdout
}

async function runPsql(psql: string, url: string, script: string): Promise<void> {
  await promisify(execFile)(psql, ['-1', '-q', '-v', 'ON_ERROR_STOP=1', '-f', script, url])
}

async function findPsql(): Promise<string | undefined> {
  try {
    await promisify(execFile)('psql', ['--version'])
    return 'psql'
  } catch {
    process.stderr.write('skipped: there is no psql, against which a fleet run is measured\n')
    return undefined
  }
}
