import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { actAs, registerAdmin } from '../support/impersonation.ts'
import { fromElsewhere } from '../support/limits.ts'
import { tokenFor } from '../support/mailbox.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: TestPlatform
let line: ReturnType<typeof commandLine>
let tenantId: string
let founder: SignedInUser
beforeAll(async () => {
  test = await startPlatform({ env: { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1' } })
  line = commandLine(test.databaseUrl)
  founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
})
afterAll(() => test.close())
beforeEach(async () => {
  await inCore(test.platform, sql`UPDATE users SET is_admin = false`)
  await inCore(test.platform, sql`DELETE FROM throttles`)
})

const login = (email: string, password = PASSWORD, realm?: string) =>
  test.api.post('/auth/login', { email, password }, { ...fromElsewhere(), tenantId: realm })
const isInCore = async ({ token }: SignedInUser) =>
  (await test.api.get('/organizations/me', { token })).status === 200
const isInTenant = async ({ token }: SignedInUser) =>
  (await test.api.get('/users/me', { token, tenantId })).status === 200

/** What the core log says of a user, oldest first. */
async function audited(targetId: string) {
  return await inCore(
    test.platform,
    sql`SELECT action, actor_kind, details FROM audit_log
      WHERE target_id = ${targetId} AND actor_kind = 'operator' ORDER BY id`,
  )
}

/** Makes everything that somebody tried a thing that was tried too often. */
async function lockAll(): Promise<void> {
  await inCore(
    test.platform,
    sql`UPDATE throttles SET count = 1000, blocked_until = now() + interval '1 hour', expires_at = now() + interval '1 hour'
      WHERE last_attempt IS NOT NULL`,
  )
}

describe('tenantry users disable', () => {
  it('ends every session at once, on the platform and in organizations, and signs nobody in until it is enabled', async () => {
    const owner = await test.api.register()
    const own = (await test.api.createOrganization(owner)).id
    const inside = await test.api.login(owner, own)
    const enters = async () =>
      (await test.api.get('/users/me', { token: inside.token, tenantId: own })).status === 200
    expect([await isInCore(owner), await enters()]).toEqual([true, true])

    const { code, data } = await line.json(`users disable ${owner.email.toUpperCase()} --yes`)
    expect(code).toBe(EXIT.done)
    expect(data).toEqual({
      id: owner.id,
      email: owner.email,
      changed: true,
      sessions_ended: 1,
      unreached: [],
    })
    expect([await isInCore(owner), await enters()]).toEqual([false, false])
    expect([(await login(owner.email)).status, (await login(owner.email, PASSWORD, own)).status]).toEqual([
      401, 401,
    ])
    const inLog = await inTenant(
      test.platform,
      own,
      sql`SELECT actor_kind, details FROM audit_log WHERE action = 'session.ended'`,
    )
    expect(inLog).toEqual([{ actor_kind: 'operator', details: { reason: 'operator', sessions: 1 } }])

    expect((await line.json(`users enable ${owner.email}`)).data).toMatchObject({ changed: true })
    expect([await isInCore(owner), await enters()]).toEqual([false, false])
    expect([(await login(owner.email)).status, (await login(owner.email, PASSWORD, own)).status]).toEqual([
      200, 200,
    ])
    expect((await audited(owner.id)).map(({ action }) => action)).toEqual([
      'user.disabled',
      'session.ended',
      'user.enabled',
    ])
  })

  it('a second time says so, and ends what a first one left; each is recorded once', async () => {
    const user = await test.api.register()
    await line.run(`users disable ${user.email} --yes`)
    // As after a process that died in between.
    await inCore(test.platform, sql`UPDATE sessions SET revoked_at = NULL WHERE user_id = ${user.id}`)
    const again = await line.json(`users disable ${user.email} --yes`)
    expect(again).toMatchObject({ code: EXIT.done, data: { changed: false, sessions_ended: 1 } })
    await line.run(`users enable ${user.email}`)
    expect((await line.json(`users enable ${user.email}`)).data).toMatchObject({ changed: false })
    const actions = (await audited(user.id)).map(({ action }) => action)
    expect(actions.filter((action) => action !== 'session.ended')).toEqual(['user.disabled', 'user.enabled'])
  })

  it('makes links worthless that were mailed before', async () => {
    const user = await test.api.register()
    await test.api.post('/auth/password/forgot', { email: user.email })
    const token = await tokenFor(test, user.email, 'password-reset')
    await line.run(`users disable ${user.email} --yes`)
    await line.run(`users enable ${user.email}`)
    const reply = await test.api.post('/auth/password/reset', { token, password: 'a brand new pass phrase' })
    expect(reply.status).toBe(400)
  })

  it('names organizations that it could not reach, and goes on with the others', async () => {
    const owner = await test.api.register()
    const [shut, open] = [
      (await test.api.createOrganization(owner)).id,
      (await test.api.createOrganization(owner)).id,
    ]
    const inOpen = await test.api.login(owner, open)
    await line.run(`tenants suspend ${shut}`)
    const { data, stderr } = await line.json(`users disable ${owner.email} --yes`)
    expect(data).toMatchObject({ changed: true, unreached: [shut] })
    expect(stderr).toContain(shut)
    expect((await test.api.get('/users/me', { token: inOpen.token, tenantId: open })).status).toBe(401)
  })

  it('needs consent', async () => {
    const user = await test.api.register()
    expect(await line.run(`users disable ${user.email}`)).toMatchObject({ code: EXIT.usage, stdout: '' })
    const declined = await line.run(`users disable ${user.email}`, { confirm: async () => false })
    expect(declined.code).toBe(EXIT.interrupted)
    expect(await isInCore(user)).toBe(true)
  })

  it('A19 lets no sign-in through that was under way', async () => {
    const user = await test.api.register()
    const replies = Promise.all(Array.from({ length: 5 }, () => login(user.email)))
    await line.run(`users disable ${user.email} --yes`)
    for (const { status, body } of await replies) {
      if (status !== 200) continue
      expect((await test.api.get('/organizations/me', { token: body.access_token })).status).toBe(401)
    }
    const live = sql`SELECT id FROM sessions WHERE user_id = ${user.id} AND revoked_at IS NULL`
    expect(await inCore(test.platform, live)).toEqual([])
  })
})

describe('the last administrator', () => {
  it.each(['users disable', 'admin revoke'])('%s is refused without --allow-none', async (command) => {
    const admin = await registerAdmin(test)
    const disabled = await registerAdmin(test)
    await inCore(test.platform, sql`UPDATE users SET is_active = false WHERE id = ${disabled.id}`)
    const refused = await line.run(`${command} ${admin.email} --yes`)
    expect(refused).toMatchObject({ code: EXIT.usage, stdout: '' })
    expect(refused.stderr).toContain('--allow-none')
    expect(await isInCore(admin)).toBe(true)
    expect(await audited(admin.id)).toEqual([])
    expect((await line.run(`${command} ${admin.email} --yes --allow-none`)).code).toBe(EXIT.done)
    expect(await isInCore(admin)).toBe(false)
  })

  it('of two who are taken away at the same moment one stays', async () => {
    const [one, other] = [await registerAdmin(test), await registerAdmin(test)]
    const codes = await Promise.all([
      line.run(`admin revoke ${one.email} --yes`),
      line.run(`users disable ${other.email} --yes`),
    ])
    expect(codes.map(({ code }) => code).sort()).toEqual([EXIT.done, EXIT.usage])
    expect(
      (await line.json('admin list')).data.filter((admin: { is_active: boolean }) => admin.is_active),
    ).toHaveLength(1)
  })
})

describe('tenantry admin', () => {
  it('list shows who operates the platform, and nobody else', async () => {
    const admin = await registerAdmin(test)
    const { data } = await line.json('admin list')
    expect(data).toEqual([
      { id: admin.id, email: admin.email, is_active: true, second_factors: [], live_sessions: 1 },
    ])
    expect((await line.run('admin list')).stdout).toMatch(/^ID +E-MAIL[\s\S]+ yes +none +1\n$/)
  })

  it('revoke ends the sessions on the platform and whatever was begun in them', async () => {
    const [admin] = [await registerAdmin(test), await registerAdmin(test)]
    const member = await test.api.register({ tenantId })
    const acting = await actAs(test, admin, tenantId, member)
    const acts = async () => (await test.api.get('/users/me', acting)).status
    expect(await acts()).toBe(200)
    const { code, data } = await line.json(`admin revoke ${admin.email} --yes`)
    expect({ code, data }).toMatchObject({ code: EXIT.done, data: { changed: true, sessions_ended: 1 } })
    expect([await isInCore(admin), await acts()]).toEqual([false, 401])
    const { token } = await test.api.login(admin)
    expect((await test.api.get('/admin/runs', { token })).status).toBe(403)
    expect(await audited(admin.id)).toEqual([
      { action: 'admin.revoked', actor_kind: 'operator', details: {} },
      {
        action: 'session.ended',
        actor_kind: 'operator',
        details: { reason: 'operator', sessions: 1 },
      },
    ])
  })

  it('revoke of somebody who is no administrator changes nothing', async () => {
    const user = await test.api.register()
    const { data } = await line.json(`admin revoke ${user.email} --yes`)
    expect(data).toMatchObject({ changed: false, sessions_ended: 0 })
    expect(await isInCore(user)).toBe(true)
    expect(await audited(user.id)).toEqual([])
  })
})

describe('tenantry users show', () => {
  it('shows what is known, and no secret', async () => {
    const { code, data } = await line.json(`users show ${founder.email}`)
    expect(code).toBe(EXIT.done)
    expect(data).toEqual({
      id: founder.id,
      email: founder.email,
      is_active: true,
      is_admin: false,
      is_email_verified: false,
      created_at: expect.any(String),
      live_sessions: 1,
      recovery_codes_left: 0,
      second_factors: [],
      organizations: [{ id: tenantId, name: expect.any(String), role: 'owner' }],
    })
    const { stdout } = await line.run(`users show ${founder.email}`)
    expect(stdout).toMatch(/second factors: +none/)
    expect(stdout).toContain(`organization ${tenantId}: owner of `)
    expect(stdout).not.toContain('argon2')
  })

  it('names second factors by their kind', async () => {
    const user = await test.api.register()
    await inCore(
      test.platform,
      sql`INSERT INTO second_factors (id, user_id, kind, sealed_secret, confirmed_at)
        VALUES (${user.id}, ${user.id}, 'totp', 'x', now())`,
    )
    expect((await line.json(`users show ${user.email}`)).data).toMatchObject({ second_factors: ['totp'] })
    await inCore(test.platform, sql`DELETE FROM second_factors WHERE user_id = ${user.id}`)
  })
})

describe('tenantry users unlock', () => {
  it('lets somebody sign in to the platform again at once', async () => {
    const user = await test.api.register()
    await login(user.email, 'not the password at all')
    await lockAll()
    expect((await login(user.email)).status).toBe(429)
    const { code, data } = await line.json(`users unlock ${user.email}`)
    expect(code).toBe(EXIT.done)
    expect(data).toEqual({ id: user.id, email: user.email, organization_id: null, forgiven: 1 })
    expect((await login(user.email)).status).toBe(200)
    expect(await audited(user.id)).toEqual([
      { action: 'user.unlocked', actor_kind: 'operator', details: { forgiven: 1 } },
    ])
  })

  it('lets a member in again, and nobody on the platform', async () => {
    const member = await test.api.register({ tenantId })
    await test.api.register({ email: member.email })
    for (const realm of [undefined, tenantId]) await login(member.email, 'not the password at all', realm)
    await lockAll()
    const { data } = await line.json(`users unlock ${member.email} --tenant ${tenantId}`)
    expect(data).toMatchObject({ id: member.id, organization_id: tenantId, forgiven: 1 })
    expect((await login(member.email, PASSWORD, tenantId)).status).toBe(200)
    expect((await login(member.email)).status).toBe(429)
    expect(await audited(member.id)).toMatchObject([{ details: { organization: tenantId, forgiven: 1 } }])
  })

  it('lets a linked member in, whose failures count over all organizations', async () => {
    await login(founder.email, 'not the password at all', tenantId)
    await lockAll()
    expect((await login(founder.email, PASSWORD, tenantId)).status).toBe(429)
    const { data } = await line.json(`users unlock ${founder.email} --tenant ${tenantId}`)
    expect(data).toMatchObject({ forgiven: 2 })
    const inside = await test.api.login(founder, tenantId)
    expect(await isInTenant(inside)).toBe(true)
  })
})

it.each(['users show', 'users disable --yes', 'users enable', 'users unlock', 'admin revoke --yes'])(
  '%s refuses an address that is nobody’s, and what is none: exit 2',
  async (command) => {
    for (const email of [`${unique('x')}@example.com`, 'nobody'])
      expect(await line.run(`${command} ${email}`)).toMatchObject({ code: EXIT.usage, stdout: '' })
  },
)

it.each(['nobody', '01990000-0000-7000-8000-000000000000'])(
  'unlock refuses the organization %s',
  async (id) => {
    expect(await line.run(`users unlock ${founder.email} --tenant ${id}`)).toMatchObject({ code: EXIT.usage })
  },
)
