import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { databaseOf } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { fromElsewhere, PRODUCTION_LIMITS } from '../support/limits.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'
import { asSuperuser, hasSuperuser } from '../support/superuser.ts'

let one: TestPlatform
let owner: SignedInUser
let id: string
let member: SignedInUser
let victim: SignedInUser
beforeAll(async () => {
  one = await startPlatform({ env: PRODUCTION_LIMITS })
  owner = await one.api.register()
  id = (await one.api.createOrganization(owner)).id
  member = await one.api.register({ tenantId: id })
  victim = await one.api.register({ tenantId: id })
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

  it('people of an organization sign in, and wrong passwords are counted by the process', async () => {
    const signIn = (person: SignedInUser, password: string) =>
      one.api.post('/auth/login', { email: person.email, password }, { ...fromElsewhere(), tenantId: id })
    // Connections that were just ended may still be in the pool.
    await vi.waitFor(async () => expect((await signIn(member, member.password)).status).toBe(200), 10_000)
    const statuses: number[] = []
    for (let attempt = 0; attempt < 6; attempt++) statuses.push((await signIn(victim, 'wrong')).status)
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
    expect((await signIn(member, member.password)).status).toBe(200)
  })

  it('people of an organization prove who they are, and links are looked at', async () => {
    const ask = (path: string, body: object, token?: string) =>
      one.api.post(path, body, { ...fromElsewhere(), tenantId: id, token })
    const prove = () => ask('/auth/step-up', { password: member.password }, member.token)
    await vi.waitFor(async () => expect((await prove()).status).toBe(204), 10_000)
    const link = { token: 'wrong', password: 'a brand new pass phrase' }
    expect((await ask('/auth/password/reset', link)).body).toMatchObject({ code: 'invalid-link' })
    const accepted = await ask('/invitations/accept', link)
    expect(accepted.body).toMatchObject({ code: 'invitation-invalid' })
    const code = { mfa_token: 'wrong', code: '000000' }
    expect((await ask('/auth/mfa/verify', code)).body).toMatchObject({ code: 'invalid-token' })
  })

  it('a process starts', async () => {
    const third = await startPlatform({ databaseUrl: one.databaseUrl })
    await third.close()
  })
})
