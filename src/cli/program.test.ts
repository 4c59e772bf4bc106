import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { EXIT, type ExitCode, runCommandLine, type Surroundings } from './index.ts'

let test: TestPlatform
let tenantId: string
beforeAll(async () => {
  test = await startPlatform()
  const owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

interface Outcome {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
}

async function tenantry(args: string, extra: Partial<Surroundings> = {}): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const code = await runCommandLine(args.split(' '), {
    env: { DATABASE_URL: test.databaseUrl },
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    version: '1.2.3',
    terminal: false,
    serve: async () => EXIT.done,
    ...extra,
  })
  return { code, stdout, stderr }
}

async function json(args: string) {
  const { stdout, code } = await tenantry(`${args} --json`)
  return { code, data: JSON.parse(stdout) }
}

describe('the command line', () => {
  it('shows its version, its commands and examples', async () => {
    expect(await tenantry('--version')).toMatchObject({ code: 0, stdout: '1.2.3\n' })
    const { code, stdout } = await tenantry('--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/serve[\s\S]*migrate[\s\S]*tenants[\s\S]*Examples:/)
  })

  it.each([
    'serve',
    'worker',
    'migrate generate',
    'migrate lint',
    'migrate up',
    'migrate down',
    'migrate status',
    'migrate history',
    'tenants list',
    'audit export',
    'keys list',
    'keys rotate',
    'keys revoke',
  ])('%s explains itself with an example', async (command) => {
    const { code, stdout } = await tenantry(`${command} --help`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/Examples?:\n {2}/)
  })

  it.each([
    'nonsense',
    'worker --no-worker',
    'migrate',
    'migrate up',
    'migrate up everything',
    'migrate up core --nonsense',
    'migrate generate core',
    'migrate down core --steps x --yes',
    'migrate down core --steps 0 --yes',
    'migrate down core --steps 1 --to 20200101000000 --yes',
    'migrate up tenants --tenant nobody',
    'migrate up tenants --tenant 01990000-0000-7000-8000-000000000000',
    'migrate history tenants',
    'migrate status tenants --tenant 01990000-0000-7000-8000-000000000000',
    'migrate up core --to 20200101000000',
    'keys rotate everybody',
    'keys revoke',
    'keys revoke abc',
  ])('%s is a usage error: exit 2, nothing on stdout', async (args) => {
    const { code, stdout, stderr } = await tenantry(args)
    expect(code).toBe(EXIT.usage)
    expect(stdout).toBe('')
    expect(stderr).not.toBe('')
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('N7 lists what is wrong with the environment', async () => {
    const env = { PORT: 'x', DATABASE_URL: 'y' }
    const { code, stderr } = await tenantry('migrate status core', { env })
    expect(code).toBe(EXIT.failed)
    expect(stderr).toMatch(/PORT[\s\S]*DATABASE_URL/)
  })

  it('J23 says in one line that the database cannot be reached', async () => {
    const env = { DATABASE_URL: 'postgres://tenantry:secret@127.0.0.1:1/tenantry' }
    const { code, stderr } = await tenantry('migrate status core', { env })
    expect(code).toBe(EXIT.failed)
    expect(stderr).toMatch(/^The database cannot be reached: .*\n$/)
    expect(stderr).not.toContain('secret')
  })

  it('hands the configuration to serve', async () => {
    let port = 0
    const serve: Surroundings['serve'] = async (config) => {
      port = config.port
      return EXIT.failed
    }
    expect((await tenantry('serve', { env: { PORT: '4711' }, serve })).code).toBe(EXIT.failed)
    expect(port).toBe(4711)
  })

  it.each([
    ['serve', { api: true, worker: true }],
    ['serve --no-worker', { api: true, worker: false }],
    ['worker', { api: false, worker: true }],
  ])('%s runs %j', async (command, wanted) => {
    let parts: object = {}
    const serve: Surroundings['serve'] = async (_, chosen) => {
      parts = chosen
      return EXIT.done
    }
    expect((await tenantry(command, { serve })).code).toBe(EXIT.done)
    expect(parts).toEqual(wanted)
  })
})

describe('migrate, on the core database', () => {
  it('says what is applied', async () => {
    const { code, stdout } = await tenantry('migrate status core --check')
    expect(code).toBe(EXIT.done)
    expect(stdout).toMatch(/VERSION.*STATE[\s\S]*initial\s+applied/)
    const { data } = await json('migrate status core')
    expect(data.migrations[0]).toMatchObject({ name: 'initial', state: 'applied' })
  })

  it('has nothing to do', async () => {
    expect((await tenantry('migrate up core')).stdout).toBe('core: up to date\n')
    expect((await tenantry('migrate up core --dry-run')).stdout).toBe('core: up to date\n')
    expect((await json('migrate up core')).data).toEqual({ database: 'core', applied: [] })
  })

  it('L11 takes nothing back unless that is confirmed', async () => {
    const { code, stderr } = await tenantry('migrate down core --allow-data-loss')
    expect(code).toBe(EXIT.usage)
    expect(stderr).toContain('--yes')
    const declined = await tenantry('migrate down core --allow-data-loss', { confirm: async () => false })
    expect(declined.code).toBe(EXIT.interrupted)
    const lossy = await tenantry('migrate down core --yes')
    expect(lossy).toMatchObject({
      code: EXIT.usage,
      stderr: expect.stringMatching(/^This loses (column|table) /),
    })
    expect((await tenantry('migrate status core --check')).code).toBe(EXIT.done)
  })

  it('lists history', async () => {
    const { data } = await json('migrate history core')
    expect(data.history[0]).toMatchObject({ direction: 'up', name: 'initial' })
    expect((await tenantry('migrate history core')).stdout).toMatch(/^AT[\s\S]*up\s+\d{14}\s+initial/)
  })
})

describe('migrate, on tenants', () => {
  it('counts versions', async () => {
    const { code, data } = await json('migrate status tenants --check')
    expect(code).toBe(EXIT.done)
    expect(data).toMatchObject({ tenants: 1, behind: 0, versions: [{ version: data.latest, tenants: 1 }] })
  })

  it('goes down and up again, and tells of it', async () => {
    const files = (await json('migrate status tenants')).data.latest
    const down = await tenantry('migrate down tenants --allow-data-loss', { confirm: async () => true })
    expect(down).toMatchObject({ code: EXIT.done, stdout: '1 done, 0 failed\n' })
    expect(down.stderr).toContain('1 tenant: 1 to take back')
    expect((await tenantry('migrate status tenants --check')).code).toBe(EXIT.notClean)
    expect((await tenantry(`migrate status tenants --tenant ${tenantId} --check`)).code).toBe(EXIT.notClean)
    expect((await tenantry(`migrate up tenants --tenant ${tenantId} --dry-run`)).stdout).toContain(
      `-- ${files} `,
    )

    const up = await tenantry('migrate up tenants --json')
    expect(up.code).toBe(EXIT.done)
    const lines = up.stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { kind: 'planned', tenants: 1, up_to_date: 0 },
      { kind: 'wave', wave: 1 },
      { kind: 'tenant', id: tenantId, status: 'done', versions: [files], schema_version: files },
      { kind: 'summary', status: 'finished', succeeded: 1, failed: 0 },
    ])
    expect((await tenantry('migrate up tenants')).stdout).toMatch(/^nothing to do/)
    expect((await tenantry('migrate status tenants --check')).code).toBe(EXIT.done)
    const { data } = await json(`migrate history tenants --tenant ${tenantId}`)
    const directions = data.history.map((entry: { direction: string }) => entry.direction)
    expect(directions.slice(-3)).toEqual(['up', 'down', 'up'])
  })

  it('names one tenant', async () => {
    const { code, stdout } = await tenantry(`migrate up tenants --tenant ${tenantId}`)
    expect(code).toBe(EXIT.done)
    expect(stdout).toBe('1 done, 0 failed\n')
    expect((await tenantry(`migrate status tenants --tenant ${tenantId}`)).stdout).toMatch(
      /initial\s+applied/,
    )
  })

  it('lists tenants', async () => {
    expect((await tenantry('tenants list')).stdout).toContain(`${tenantId}  active`)
    expect((await json('tenants list')).data).toMatchObject([{ id: tenantId, status: 'active' }])
  })
})
