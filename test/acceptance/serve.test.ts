import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, createOrganization, newPerson, register, signIn } from './support/api.ts'
import { playFlow } from './support/flow.ts'
import { postgresProcesses, postmasterOf } from './support/running-postgres.ts'
import { takePort } from './support/taken-port.ts'
import { type Server, Workspace } from './support/workspace.ts'

let place: Workspace
let server: Server
beforeAll(async () => {
  place = await Workspace.create()
  server = await place.serve()
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

describe('a server on a fresh data directory', { timeout: 60_000 }, () => {
  it('prints where everything is, and everything is there', async () => {
    const lines = [...server.process.stdout.matchAll(/^ {2}(\S.*?) {2,}(http\S+)$/gm)]
    const addresses = Object.fromEntries(lines.map(([, name = '', address = '']) => [name, address]))
    expect(addresses).toEqual({
      API: `${server.url}/api/v1`,
      'Swagger UI': `${server.url}/docs`,
      ReDoc: `${server.url}/redoc`,
      OpenAPI: `${server.url}/openapi.json`,
      Health: `${server.url}/health/ready`,
    })
    const { API: api = '', ...pages } = addresses
    for (const [name, address] of Object.entries(pages)) {
      expect([name, (await fetch(address)).status]).toEqual([name, 200])
    }
    // The base of the API is no page of its own; one of its routes stands for it.
    expect((await fetch(`${api}/organizations/me`)).status).toBe(401)
  })

  it('plays the whole flow', async () => {
    await playFlow(server.url)
  })

  it('N7 leaves a taken port alone: one line that names PORT, exit 1', async () => {
    await using taken = await takePort()
    const before = postmasterOf(place.dataDir)
    const second = await place.tenantry('serve', { PORT: String(taken.port), LOG_LEVEL: 'warn' })
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^[^\n]*\b\d+\b[^\n]*\bPORT\b[^\n]*\n$/)
    expect(second.stderr).toContain(String(taken.port))
    // The server that was there has lost nothing by it.
    expect(postmasterOf(place.dataDir)).toBe(before)
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  })

  it('shares PostgreSQL with a second server on the same data directory', async () => {
    const owner = newPerson('owner')
    const token = await register(server.url, owner)
    const second = await place.serve()
    expect(second.url).not.toBe(server.url)
    const tenantId = await createOrganization(second.url, token, 'Shared')
    await signIn(server.url, owner, tenantId)
    const postmaster = postmasterOf(place.dataDir)

    expect(await server.stop()).toBe(0)
    expect(postmasterOf(place.dataDir)).toBe(postmaster)
    expect(await call(second.url, `GET /organizations/${tenantId}`, { token })).toMatchObject({ status: 200 })
    expect(await second.stop()).toBe(0)
    expect(postgresProcesses(place.dataDir)).toEqual([])
  })
})
