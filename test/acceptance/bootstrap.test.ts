import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartedProcess } from './support/processes.ts'
import { PROJECT, SHELL_PATH } from './support/project.ts'
import { Workspace } from './support/workspace.ts'

/** What `npm ci` is replaced by: it notes that it was called, and talks. */
const FAKE_NPM = `#!/bin/sh
echo "$@" >> npm-was-called
echo 'npm talks on stdout'
exit \${FAKE_NPM_EXIT:-0}
`

/** Says how it was started; with `wait`, goes on until a signal comes. */
const ENTRY = `
const [task] = process.argv.slice(2)
if (task === 'wait') {
  setInterval(() => undefined, 1000)
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      console.log('told to end by ' + signal)
      process.exit(0)
    })
}
console.log(JSON.stringify({ major: process.versions.node.split('.')[0], args: process.argv.slice(2) }))
if (task === 'fail') process.exit(7)
`

const LOCK_FILE = {
  '': { version: '1.0.0' },
  'node_modules/needed': { version: '1.2.3' },
  'node_modules/for-another-platform': { version: '4.5.6', optional: true },
}
const COMPLETE = { 'node_modules/needed': { version: '1.2.3' } }

let place: Workspace
let project: string
beforeAll(async () => {
  place = await Workspace.create()
  await mkdir(join(place.path, 'bin'))
  await writeFile(join(place.path, 'bin', 'npm'), FAKE_NPM)
  await chmod(join(place.path, 'bin', 'npm'), 0o755)
})
afterAll(() => place[Symbol.asyncDispose]())

// A project of three files, on the real bootstrap.
beforeEach(async () => {
  project = join(place.path, 'project')
  await rm(project, { recursive: true, force: true })
  await makeProject(project)
})

async function makeProject(directory: string): Promise<void> {
  await mkdir(join(directory, 'scripts'), { recursive: true })
  for (const script of ['bootstrap.mjs', 'run.mjs'])
    await cp(join(PROJECT, 'scripts', script), join(directory, 'scripts', script))
  await writeFile(join(directory, 'entry.mjs'), ENTRY)
  await writeFile(join(directory, 'package-lock.json'), JSON.stringify({ packages: LOCK_FILE }))
}

/** Writes what npm writes when an install is complete. */
async function install(packages: object): Promise<void> {
  await mkdir(join(project, 'node_modules', '.bin'), { recursive: true })
  await writeFile(join(project, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }))
}

function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  node = process.execPath,
): StartedProcess {
  return place.start(node, ['scripts/run.mjs', 'entry.mjs', ...args], {
    cwd: project,
    env: { PATH: `${join(place.path, 'bin')}:${SHELL_PATH}`, ...env },
  })
}

/** How npm was called, or nothing. */
async function npmCalls(): Promise<string> {
  return await readFile(join(project, 'npm-was-called'), 'utf8').catch(() => '')
}

describe('what npm scripts begin with', { timeout: 60_000 }, () => {
  it('installs nothing where node_modules holds what the lock file names', async () => {
    await install(COMPLETE)
    const { code, stdout } = await start(['some', 'arguments']).finished()
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, args: ['some', 'arguments'] })
    expect(await npmCalls()).toBe('')
  })

  it.each([
    ['there is no node_modules', undefined],
    ['a package is missing', {}],
    ['a package has another version', { 'node_modules/needed': { version: '1.2.2' } }],
    [
      'an optional package has another version',
      { ...COMPLETE, 'node_modules/for-another-platform': { version: '4.5.5' } },
    ],
  ])('runs npm ci when %s, and keeps its words out of the data', async (_, present) => {
    if (present) await install(present)
    const { code, stdout, stderr } = await start([]).finished()
    expect(await npmCalls()).toMatch(/^ci /)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ args: [] })
    expect(stderr).toContain('npm talks on stdout')
  })

  it('runs npm ci when the last install was interrupted', async () => {
    await mkdir(join(project, 'node_modules', 'needed'), { recursive: true })
    expect((await start([]).finished()).code).toBe(0)
    expect(await npmCalls()).toMatch(/^ci /)
  })

  it('starts nothing when npm ci fails', async () => {
    const { code, stdout, stderr } = await start([], { FAKE_NPM_EXIT: '1' }).finished()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('npm ci failed')
  })

  it('installs nothing as a package of somebody else’s project', async () => {
    project = join(place.path, 'project', 'node_modules', 'tenantry')
    await makeProject(project)
    expect((await start([]).finished()).code).toBe(0)
    expect(await npmCalls()).toBe('')
  })
})

const older = olderNode()

/** A Node.js of this machine that is too old for the project; CI has one. */
function olderNode(): string | undefined {
  return SHELL_PATH.split(':')
    .map((directory) => join(directory, 'node'))
    .find((node) => {
      try {
        const major = Number(
          execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }),
        )
        return major >= 20 && major < 24
      } catch {
        return false
      }
    })
}

describe.skipIf(older === undefined)('on a machine whose own Node.js is older', { timeout: 60_000 }, () => {
  beforeEach(() => install(COMPLETE))
  const pin = () => symlink(process.execPath, join(project, 'node_modules', '.bin', 'node'))

  it('runs on the pinned one, with the same arguments, and ends as it does', async () => {
    await pin()
    const { code, stdout } = await start(['fail', 'here'], {}, older).finished()
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 7, major: '24', args: ['fail', 'here'] })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('passes %s on', async (signal) => {
    await pin()
    const launcher = start(['wait'], {}, older)
    await launcher.says(/"wait"/)
    launcher.kill(signal)
    expect(await launcher.finished()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`by ${signal}`),
    })
  })

  it('ends what it started when npm is killed, though npm’s shell lives on', async () => {
    await pin()
    const script = `${older} scripts/run.mjs entry.mjs wait`
    // As npm does it; the second command keeps any shell from giving way to the first.
    const npm = `require('node:child_process').spawn('sh', ['-c', '${script}; exit'], { stdio: 'inherit' })`
    const env = { PATH: SHELL_PATH, npm_lifecycle_event: 'start', npm_lifecycle_script: script }
    const parent = place.start(process.execPath, ['-e', npm], { cwd: project, env })
    await parent.says(/"wait"/)
    parent.kill('SIGKILL')
    await parent.says(/told to end by SIGTERM/)
    await parent.finished()
  })

  it('says which one it needs where none is installed', async () => {
    const { code, stdout, stderr } = await start([], {}, older).finished()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^Tenantry needs Node[.]js 24 or newer[^\n]*\n$/)
  })
})
