import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization, newPerson, register, signIn } from './support/api.ts'
import { eventually } from './support/poll.ts'
import { postgresProcesses, postmasterFile } from './support/running-postgres.ts'
import { Workspace } from './support/workspace.ts'

let place: Workspace
beforeAll(async () => {
  place = await Workspace.create()
})
afterAll(() => place[Symbol.asyncDispose]())

describe('a server that comes after a crash', { timeout: 90_000 }, () => {
  it('has all that was written before SIGKILL, which left no PostgreSQL behind', async () => {
    const owner = newPerson('owner')
    const killed = await place.serve()
    const token = await register(killed.url, owner)
    const tenantId = await createOrganization(killed.url, token, 'Survivor')
    expect(postgresProcesses(place.dataDir).length).toBeGreaterThan(4)

    killed.process.kill('SIGKILL')
    expect(await killed.process.exited()).toEqual({ code: null, signal: 'SIGKILL' })
    await eventually('the end of PostgreSQL', () => postgresProcesses(place.dataDir).length === 0)

    const next = await place.serve()
    await signIn(next.url, owner)
    await signIn(next.url, owner, tenantId)
    expect(await next.stop()).toBe(0)
  })

  it('starts although a postmaster.pid is left', async () => {
    const owner = newPerson('owner')
    const first = await place.serve()
    await register(first.url, owner)
    const pidFile = postmasterFile(place.dataDir)
    const left = await readFile(pidFile, 'utf8')
    expect(await first.stop()).toBe(0)
    await writeFile(pidFile, left)

    const second = await place.serve()
    await signIn(second.url, owner)
    expect(await second.stop()).toBe(0)
    expect(postgresProcesses(place.dataDir)).toEqual([])
  })
})
