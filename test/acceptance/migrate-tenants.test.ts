import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization, newPerson, register } from './support/api.ts'
import { json } from './support/json.ts'
import type { Finished } from './support/processes.ts'
import { copyProject } from './support/project.ts'
import { connectAsPlatform, connectAsSuperuser } from './support/running-postgres.ts'
import { type Server, Workspace } from './support/workspace.ts'

const NOTES = '20990101000000'
const LABELS = '20990102000000'

let place: Workspace
let project: string
let server: Server
let token: string
let first: string
let second: string
beforeAll(async () => {
  place = await Workspace.create()
  project = await copyProject(join(place.path, 'project'))
  server = await place.serve({ SPARE_DATABASES: '0' }, project)
  token = await register(server.url, newPerson('owner'))
  first = await createOrganization(server.url, token, 'First')
  second = await createOrganization(server.url, token, 'Second')
  await writeFile(
    migration(NOTES, 'notes'),
    '-- migrate:up\nCREATE TABLE notes (body text);\n\n-- migrate:down\nDROP TABLE notes;\n',
  )
}, 90_000)
afterAll(() => place[Symbol.asyncDispose]())

function migration(version: string, name: string): string {
  return join(project, 'migrations', 'tenant', `${version}_${name}.sql`)
}

/** Runs a command beside the server, with the migrations of the copy. */
async function run(args: string): Promise<Finished> {
  return await place.tenantry(args, {}, project)
}

describe('tenantry migrate … tenants', { timeout: 90_000 }, () => {
  it('counts who is behind', async () => {
    const status = json(await run('migrate status tenants --check --json'), 3)
    expect(status).toMatchObject({ tenants: 2, behind: 2, latest: NOTES })
  })

  it('L12 keeps a program from serving a fleet that it cannot work with', async () => {
    const env = { TENANT_MIGRATIONS: 'staged', TENANT_SCHEMA_WINDOW: '0' }
    const refused = await place.startTenantry(['serve'], { PORT: '0', ...env }, project).finished()
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('2 of 2 tenants lack more than 0 of the migrations of this program')
    expect(refused.stderr).toContain('tenantry migrate up tenants')
  })

  it('tries it in a clone of a tenant, says so, and leaves nothing behind', async () => {
    const used = await run('migrate up tenants --dry-run --verify')
    expect(used).toMatchObject({ code: 1, stderr: expect.stringContaining('somebody is connected') })
    const admin = await connectAsSuperuser(place.dataDir)
    await admin.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname LIKE 'tenant\\_%'`,
    )
    const good = await run('migrate up tenants --dry-run --verify')
    expect(good).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Applied to a clone .*: 20990101000000 in/),
    })
    expect(good.stdout).toContain('2 tenants: 2 behind, 0 up to date')
    const broken = migration('20990101000001', 'broken')
    await writeFile(broken, '-- migrate:up\nSELECT 1 / 0;\n')
    const bad = await run(`migrate up tenants --dry-run --verify --tenant ${first}`)
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('division by zero') })
    await rm(broken)
    const { rows } = await admin.query(
      "SELECT datname FROM pg_database WHERE datname ~ '^tenantry_template_.*_[0-9a-f]{12}_[0-9a-f]{8}$'",
    )
    await admin.end()
    expect(rows).toEqual([])
    expect(json(await run('migrate status tenants --json'))).toMatchObject({ behind: 2 })
  })

  it('shows what it would do to one, and does it to that one alone', async () => {
    const preview = await run(`migrate up tenants --tenant ${first} --dry-run`)
    expect(preview).toMatchObject({ code: 0, stdout: `-- ${NOTES} notes\nCREATE TABLE notes (body text);\n` })
    const up = jsonLines(await run(`migrate up tenants --tenant ${first} --json`))
    expect(up.get(first)).toMatchObject({ versions: [NOTES], schema_version: NOTES })
    expect(up.get('summary')).toMatchObject({ status: 'finished', succeeded: 1 })
    const status = await run('migrate status tenants')
    expect(status).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`2 tenants, 1 behind ${NOTES}`),
    })
  })

  it('does the rest', async () => {
    const up = await run('migrate up tenants')
    expect(up).toMatchObject({ code: 0, stdout: '1 done, 0 failed\n' })
    expect(up.stderr).toBe('2 tenants: 1 behind, 1 up to date\n')
    const { history } = json(await run(`migrate history tenants --tenant ${second} --json`))
    expect(history.at(-1)).toMatchObject({ version: NOTES, name: 'notes', direction: 'up' })
  })

  it('takes one back', async () => {
    const refused = await run(`migrate down tenants --tenant ${first} --yes`)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('This loses table notes') })
    const down = jsonLines(await run(`migrate down tenants --tenant ${first} --yes --allow-data-loss --json`))
    expect(down.get(first)).toMatchObject({ status: 'done', versions: [NOTES] })
    expect((await run(`migrate status tenants --tenant ${first} --check`)).code).toBe(3)
  })

  it('L1 goes on past a tenant that fails, exits 4, and takes it up again next time', async () => {
    await writeFile(migration(LABELS, 'labels'), '-- migrate:up\nCREATE TABLE labels (name text);\n')
    await sqlIn(first, 'CREATE TABLE public.labels (name text)')
    const up = jsonLines(await run('migrate up tenants --json'), 4)
    expect(up.get('summary')).toMatchObject({ succeeded: 1, failed: 1 })
    expect(up.get(first)).toMatchObject({
      failure: { sqlState: '42P07', file: `${LABELS}_labels.sql`, line: 2 },
    })
    expect(up.get(second)).toMatchObject({ versions: [LABELS] })
    await sqlIn(first, 'DROP TABLE public.labels')
    const again = jsonLines(await run('migrate up tenants --json'))
    expect(again.get(first)).toMatchObject({ versions: [LABELS] })
    expect(again.get('summary')).toMatchObject({ planned: 1, failed: 0 })
  })

  it('gives new organizations all of it from their birth', async () => {
    expect(await server.stop()).toBe(0)
    server = await place.serve({ SPARE_DATABASES: '0' }, project)
    const born = await createOrganization(server.url, token, 'Third')
    const { current } = json(await run(`migrate status tenants --tenant ${born} --check --json`))
    expect(current).toBe(LABELS)
  })

  it('L refuses to go on where an applied file was edited', async () => {
    await appendFile(migration(NOTES, 'notes'), '-- an afterthought\n')
    const { code, stdout, stderr } = await run(`migrate up tenants --tenant ${second}`)
    expect(code).toBe(4)
    expect(stdout).toBe('0 done, 1 failed\n')
    expect(stderr).toContain(`${NOTES}_notes.sql was edited after it was applied`)
  })
})

/** The lines that a run has written, by tenant, and the others by what they are. */
function jsonLines({ code, stdout, stderr }: Finished, expected = 0): Map<string, Record<string, unknown>> {
  if (code !== expected) throw new Error(`exit code ${code}: ${stderr}`)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return new Map(lines.map((line) => [line.id ?? line.kind, line]))
}

/** Runs SQL in one tenant's database, past the server. */
async function sqlIn(tenantId: string, sql: string): Promise<void> {
  const tenant = await connectAsPlatform(place.dataDir, `tenant_${tenantId}`)
  await tenant.query(sql)
  await tenant.end()
}
