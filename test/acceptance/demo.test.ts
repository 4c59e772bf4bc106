import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finished } from './support/processes.ts'
import { copyProject, SHELL_PATH } from './support/project.ts'
import { postgresProcesses } from './support/running-postgres.ts'
import { freePort } from './support/taken-port.ts'
import { Workspace } from './support/workspace.ts'

let place: Workspace
let project: string
beforeAll(async () => {
  place = await Workspace.create()
  project = await copyProject(join(place.path, 'project'))
})
afterAll(() => place[Symbol.asyncDispose]())

async function demo(env: Readonly<Record<string, string>>): Promise<Finished> {
  const npm = { PATH: SHELL_PATH, npm_config_update_notifier: 'false' }
  const how = { cwd: project, env: { ...npm, ...env }, showsSecrets: true }
  return await place.start('npm', ['run', 'demo'], how).finished()
}

/** The requests of the flow with the statuses that came, as the demo prints them. */
function statuses(printed: string): string[] {
  return [...printed.matchAll(/^(?:[A-Z]+ \/api\/v1(\/\S+)|→ (\d+))$/gm)].map(
    ([, path, status]) => path ?? status ?? '',
  )
}

const FLOW = [
  ['/auth/register', '201'],
  ['/auth/login', '200'],
  ['/organizations', '201'],
  ['/auth/register', '201'],
  ['/auth/login', '200'],
  ['/users/me', '200'],
  ['/users/me', '200'],
  ['/auth/login', '200'],
  ['/auth/refresh', '200'],
  ['/organizations', '201'],
  ['/users/me', '403'],
].flat()

describe('npm run demo', { timeout: 90_000 }, () => {
  it('plays the flow on a server that it starts, and stops it', async () => {
    const { code, stdout, stderr } = await demo({ PORT: String(await freePort()) })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toContain('No server runs; starting one.')
    expect(statuses(stdout)).toEqual(FLOW)
    expect(stdout).toMatch(/Every answer was as it should be[.]\n$/)
    expect(postgresProcesses(place.dataDir)).toEqual([])
  })

  it('plays it on a server that runs, which goes on', async () => {
    const server = await place.serve()
    const { code, stdout } = await demo({ TENANTRY_URL: server.url })
    expect(code).toBe(0)
    expect(stdout).not.toContain('starting one')
    expect(statuses(stdout)).toEqual(FLOW)
    expect(await server.stop()).toBe(0)
  })

  it('fails in one line when nothing answers at TENANTRY_URL', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, stderr } = await demo({ TENANTRY_URL: url })
    expect(code).toBe(1)
    expect(stderr).toContain(`Nothing answers at ${url}.`)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('fails when an answer is not what it should be', async () => {
    const other = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const { code, stderr } = await demo({ TENANTRY_URL: `http://127.0.0.1:${port}` })
    other.close()
    expect(code).toBe(1)
    expect(stderr).toContain('Expected status 201, got 200.')
  })
})
