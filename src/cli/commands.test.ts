import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandLine } from '../../test/support/command-line.ts'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { EXIT } from './index.ts'

let test: TestPlatform
let tenantId: string
let run: ReturnType<typeof commandLine>['run']
beforeAll(async () => {
  test = await startPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
  run = commandLine(test.databaseUrl).run
})
afterAll(() => test.close())

/** Every command that has none below it, found as a person finds them: by --help. */
async function leaves(path: readonly string[] = []): Promise<string[]> {
  const { stdout } = await commandLine('postgres://nobody@127.0.0.1:1/none').run([...path, '--help'])
  const [, below = ''] = stdout.split(/^Commands:$/m)
  const names = [...below.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name)
  const children = names.filter((name) => name !== 'help' && name !== 'tenantry')
  if (children.length === 0) return [path.join(' ')]
  return (await Promise.all(children.map((child) => leaves([...path, child])))).flat()
}

const COMMANDS = await leaves()

describe.each(COMMANDS)('tenantry %s', (command) => {
  it('explains itself with an example', async () => {
    const { code, stdout } = await run(`${command} --help`)
    expect(code).toBe(EXIT.done)
    expect(stdout).toMatch(/Examples?:\n {2}/)
    expect(stdout).toContain(`tenantry ${command}`)
  })

  it('refuses an option that it does not know: exit 2, nothing on stdout', async () => {
    const { code, stdout, stderr } = await run(`${command} --no-such-option`)
    expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: '' })
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

/** What each command is called with to answer with data, without changing much. */
const CALLS: Readonly<Record<string, () => string>> = {
  'migrate up': () => 'migrate up core',
  'migrate down': () => `migrate down tenants --tenant ${tenantId} --to 20261123161121 --yes`,
  'migrate lint': () => 'migrate lint',
  'runs list': () => 'runs list',
  'migrate status': () => 'migrate status tenants',
  'migrate history': () => 'migrate history core',
  'tenants list': () => 'tenants list',
  'tenants show': () => `tenants show ${tenantId}`,
  'tenants suspend': () => `tenants suspend ${tenantId}`,
  'tenants resume': () => `tenants resume ${tenantId}`,
  'tenants rotate-credentials': () => `tenants rotate-credentials ${tenantId}`,
  'admin list': () => 'admin list',
  'servers list': () => 'servers list',
  doctor: () => 'doctor',
  'servers drain': () => 'servers drain main --undo',
}

it.each(Object.keys(CALLS).filter((command) => command !== 'migrate down'))(
  'tenantry %s writes one JSON document with --json, and no colours',
  async (command) => {
    const call = CALLS[command]?.() ?? ''
    const { stdout, stderr } = await run(`${call} --json`)
    expect(JSON.parse(stdout)).toBeTypeOf('object')
    const plain = await run(call)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the character that begins every colour is what is looked for.
    for (const text of [stdout, stderr, plain.stdout, plain.stderr]) expect(text).not.toMatch(/\u001b/)
  },
)

it('knows every command that there is', () => {
  expect(COMMANDS.length).toBeGreaterThan(10)
  for (const command of Object.keys(CALLS)) expect(COMMANDS).toContain(command)
})
