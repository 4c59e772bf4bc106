import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import {
  makeTenant,
  type ProxiedPlatform,
  runIn,
  startProxiedPlatform,
  type TestTenant,
} from './support/proxied-platform.ts'

let test: ProxiedPlatform
let tenant: TestTenant
beforeAll(async () => {
  test = await startProxiedPlatform()
  tenant = await makeTenant(test)
})
afterEach(() => test.proxy.heal())
afterAll(() => test.close())

const MOMENTS = [
  ['J13', 'after'],
  ['J14', 'before'],
] as const

/** What a client hears whose change may be there or not: try again. */
const IN_DOUBT = { status: 503, body: { code: 'database-unavailable' } }

describe.each(MOMENTS)('%s the connection is cut %s COMMIT', (_, moment) => {
  it('of PUT /users/me: 503, and again gives what was wanted', async () => {
    const wanted = { full_name: unique('Name'), phone: '112' }
    const change = () => test.api.put('/users/me', wanted, tenant.call)
    const stored = () =>
      runIn(tenant.databaseName, 'SELECT full_name, phone FROM users WHERE email = $1', [test.owner.email])
    const cut = test.proxy.cutCommit({ database: tenant.databaseName, touching: /update "?users/i, moment })
    expect(await change()).toMatchObject(IN_DOUBT)
    await cut.done
    expect((await stored())[0]?.full_name === wanted.full_name).toBe(moment === 'after')
    expect(await change()).toMatchObject({ status: 200, body: wanted })
    expect(await stored()).toEqual([wanted])
  })

  it('of a registration in the tenant: 503, and again it is made, or taken by the first time', async () => {
    const person = { email: `${unique('new')}@example.com`, password: 'correct horse battery staple' }
    const call = { tenantId: tenant.id, faulty: true }
    const cut = test.proxy.cutCommit({ database: tenant.databaseName, touching: /into "?users/i, moment })
    expect(await test.api.post('/auth/register', person, call)).toMatchObject(IN_DOUBT)
    await cut.done
    const again = await test.api.post('/auth/register', person, call)
    expect(again.status).toBe(moment === 'after' ? 409 : 201)
    await expect(test.api.login(person, tenant.id)).resolves.toMatchObject({ email: person.email })
    const rows = await runIn(tenant.databaseName, 'SELECT FROM users WHERE email = $1', [person.email])
    expect(rows).toHaveLength(1)
  })
})
