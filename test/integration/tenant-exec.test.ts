import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { commandLine } from '../support/command-line.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

let test: TestPlatform
let line: ReturnType<typeof commandLine>
const ids: string[] = []
beforeAll(async () => {
  test = await startPlatform()
  const owner = await test.api.register()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(owner)).id)
  line = commandLine(test.databaseUrl)
})
afterAll(() => test.close())

const linesOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))

describe('tenants exec', () => {
  it('asks every tenant’s database, and tells whose answer is whose', async () => {
    const { code, stdout } = await line.run([
      'tenants',
      'exec',
      '--json',
      '--sql',
      'SELECT current_database() AS name',
    ])
    expect(code).toBe(EXIT.done)
    const told = new Map(linesOf(stdout).map((one) => [one.id ?? one.kind, one]))
    for (const id of ids) expect(told.get(id)).toMatchObject({ rows: [{ name: `tenant_${id}` }] })
    expect(told.get('summary')).toMatchObject({ tenants: 3, succeeded: 3, failed: 0, not_tried: 0 })
  })

  it('only reads, unless it is told to write', async () => {
    const update = ['tenants', 'exec', '--tenant', ids[0] ?? '', '--sql', "UPDATE users SET phone = '1'"]
    const refused = await line.run(update)
    expect(refused.code).toBe(EXIT.someFailed)
    expect(refused.stderr).toContain('read-only transaction')
    expect((await line.run([...update, '--write'])).code).toBe(EXIT.done)
    const { stdout } = await line.run(['tenants', 'exec', '--sql', 'SELECT phone FROM users'])
    expect(stdout.split('\n').filter((text) => text.includes('"1"'))).toEqual([`${ids[0]}: {"phone":"1"}`])
  })

  it('only reads also behind the end of its transaction', async () => {
    const sql = "SELECT 1; COMMIT; BEGIN; UPDATE users SET phone = '2'; COMMIT"
    const refused = await line.run(['tenants', 'exec', '--tenant', ids[1] ?? '', '--sql', sql])
    expect(refused).toMatchObject({
      code: EXIT.someFailed,
      stderr: expect.stringContaining('read-only transaction'),
    })
    const { stdout } = await line.run(['tenants', 'exec', '--sql', 'SELECT phone FROM users'])
    expect(stdout).not.toContain('"2"')
  })

  it('goes past a tenant that fails, and leaves nothing half done there', async () => {
    const sql = `CREATE TABLE marks (id int); SELECT 1 / (current_database() <> 'tenant_${ids[1]}')::int`
    const { code, stderr } = await line.run(['tenants', 'exec', '--write', '--sql', sql])
    expect(code).toBe(EXIT.someFailed)
    expect(stderr).toContain(`${ids[1]}: failed: division by zero`)
    expect(stderr).toContain('2 done, 1 failed')
    const { stdout } = await line.run([
      'tenants',
      'exec',
      '--sql',
      "SELECT to_regclass('marks') IS NULL AS none",
    ])
    expect(stdout).toContain(`${ids[1]}: {"none":true}`)
    expect(stdout).toContain(`${ids[0]}: {"none":false}`)
  })

  it('runs a command that finds its tenant in the environment', async () => {
    const script =
      'echo "$TENANT_ID $TENANT_DATABASE"; case "$TENANT_DATABASE_URL" in *"/$TENANT_DATABASE") ;; *) exit 9;; esac'
    const { code, stdout } = await line.run(['tenants', 'exec', '--', 'sh', '-c', script], {
      env: { PATH: process.env['PATH'] ?? '' },
    })
    expect(code).toBe(EXIT.done)
    expect(stdout.trim().split('\n').sort()).toEqual(ids.map((id) => `${id}: ${id} tenant_${id}`).sort())
  })

  it('passes on what a command that succeeds says on stderr', async () => {
    const only = ['tenants', 'exec', '--tenant', ids[0] ?? '']
    const said = await line.run([...only, '--', '/bin/sh', '-c', 'echo done; echo careful >&2'])
    expect(said.stdout).toBe(`${ids[0]}: done\n`)
    expect(said.stderr).toContain(`${ids[0]}: careful\n`)
    const { stdout } = await line.run([...only, '--json', '--', '/bin/sh', '-c', 'echo careful >&2'])
    expect(linesOf(stdout)[0]).toMatchObject({ id: ids[0], output: '', stderr: 'careful\n' })
  })

  it('runs commands out of reach of the terminal’s interrupt', async () => {
    const group = 'ps -o pgid= -p $$ | tr -d " "; echo $$'
    const { stdout } = await line.run(
      [...['tenants', 'exec', '--tenant', ids[0] ?? ''], '--', '/bin/sh', '-c', group],
      {
        env: { PATH: process.env['PATH'] ?? '' },
      },
    )
    const [own, leader] = stdout.split('\n').map((text) => text.split(': ')[1])
    expect(own).toBe(leader)
  })

  it('gives a command that reads nothing to wait for', async () => {
    const { code } = await line.run(['tenants', 'exec', '--tenant', ids[0] ?? '', '--', '/bin/cat'])
    expect(code).toBe(EXIT.done)
  })

  it('tells of commands that fail or do not exist, with what they said', async () => {
    const only = ['tenants', 'exec', '--tenant', ids[0] ?? '']
    const failing = await line.run([...only, '--', '/bin/sh', '-c', 'echo no luck >&2; exit 3'])
    expect(failing).toMatchObject({
      code: EXIT.someFailed,
      stderr: expect.stringContaining('exit code 3: no luck'),
    })
    const missing = await line.run([...only, '--', '/no/such/program'])
    expect(missing).toMatchObject({ code: EXIT.someFailed, stderr: expect.stringContaining('ENOENT') })
  })

  it.each([
    ['nothing to run', ['tenants', 'exec']],
    ['both', ['tenants', 'exec', '--sql', 'SELECT 1', '--', 'true']],
    [
      'an unknown tenant',
      ['tenants', 'exec', '--sql', 'SELECT 1', '--tenant', '01990000-0000-7000-8000-000000000000'],
    ],
    ['no id', ['tenants', 'exec', '--sql', 'SELECT 1', '--tenant', 'acme']],
  ])('refuses %s', async (_, args) => {
    expect((await line.run(args)).code).toBe(EXIT.usage)
  })
})
