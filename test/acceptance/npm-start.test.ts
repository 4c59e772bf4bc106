import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newPerson, register } from './support/api.ts'
import { eventually } from './support/poll.ts'
import type { StartedProcess } from './support/processes.ts'
import { copyProject, SHELL_PATH } from './support/project.ts'
import { postgresProcesses, processGroup } from './support/running-postgres.ts'
import { Workspace, whenReady } from './support/workspace.ts'

let place: Workspace
let project: string
beforeAll(async () => {
  place = await Workspace.create()
  project = await copyProject(join(place.path, 'project'))
})
afterAll(() => place[Symbol.asyncDispose]())

/** What a shell does with `npm start`: a process group of its own, which Ctrl-C reaches as a whole. */
function npmStart(): StartedProcess {
  return place.start('npm', ['start'], {
    cwd: project,
    group: true,
    env: { PATH: SHELL_PATH, PORT: '0', npm_config_update_notifier: 'false' },
  })
}

describe('npm start', { timeout: 90_000 }, () => {
  it('installs nothing where nothing is missing, serves, and ends with Ctrl-C', async () => {
    const npm = npmStart()
    const server = await whenReady(npm)
    await register(server.url, newPerson('owner'))
    expect(postgresProcesses(place.dataDir).length).toBeGreaterThan(4)
    npm.killGroup('SIGINT')
    // How npm itself ends, by the signal or with a code, is npm's business; that it waits is what counts.
    await npm.exited()
    expect(postgresProcesses(place.dataDir)).toEqual([])
    expect(processGroup(npm.pid)).toEqual([])
    expect(npm.stderr).toContain('PostgreSQL stopped')
    expect(npm.stderr).not.toContain('Installing')
    expect(npm.stderr).not.toMatch(/"level":(40|50|60)/)
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)('leaves nothing behind when npm alone gets %s', async (signal) => {
    const npm = npmStart()
    const server = await whenReady(npm)
    await register(server.url, newPerson('owner'))
    npm.kill(signal)
    await eventually('the end of the server', () => processGroup(npm.pid).length === 0)
    await eventually('the end of PostgreSQL', () => postgresProcesses(place.dataDir).length === 0)
  })
})
