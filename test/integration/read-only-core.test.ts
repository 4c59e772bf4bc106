import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databaseOf } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'
import { asSuperuser, hasSuperuser } from '../support/superuser.ts'

let one: TestPlatform
let owner: SignedInUser
let id: string
beforeAll(async () => {
  one = await startPlatform()
  owner = await one.api.register()
  id = (await one.api.createOrganization(owner)).id
})
afterAll(() => one.close())

/** As on a standby, for sessions that begin from now on; the others are ended. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const name = databaseOf(one.databaseUrl)
  await asSuperuser(async (server) => {
    await server.query(
      `ALTER DATABASE "${name}" SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
    )
    await server.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'tenantry core'`,
      [name],
    )
  })
}

describe.runIf(hasSuperuser())('J19 while the core database takes no writes', () => {
  beforeEach(async () => {
    await inCore(one.platform, sql`UPDATE tenants SET is_unannounced = true WHERE id = ${id}`)
    await setReadOnly(true)
  })
  afterEach(() => setReadOnly(false))

  it('what became ready behind a 202 can be looked at', async () => {
    const call = { token: owner.token }
    expect(await one.api.get('/organizations/me', call)).toMatchObject({ status: 200 })
    expect(await one.api.get(`/organizations/${id}`, call)).toMatchObject({ status: 200 })
  })

  it('a process starts', async () => {
    const third = await startPlatform({ databaseUrl: one.databaseUrl })
    await third.close()
  })
})
