import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { PASSWORD, type SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { commandLine } from '../support/command-line.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { ID } from '../support/shapes.ts'

let test: CheckedPlatform
let line: ReturnType<typeof commandLine>
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  line = commandLine(test.databaseUrl)
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

/** The last entry that was there before the test. */
let before: Record<string, string>
beforeEach(async () => {
  before = Object.fromEntries(
    await Promise.all(['core', tenantId].map(async (realm) => [realm, await lastOf(realm)])),
  )
})

async function lastOf(realm: string): Promise<string> {
  const [row] = await inRealm<{ last: string }>(
    realm,
    sql`SELECT coalesce(max(id::text), '') AS last FROM audit_log`,
  )
  return row?.last ?? ''
}

async function inRealm<Row extends Record<string, unknown>>(
  realm: string,
  statement: ReturnType<typeof sql>,
) {
  return realm === 'core'
    ? await inCore<Row>(test.platform, statement)
    : await inTenant<Row>(test.platform, realm, statement)
}

/** What was recorded in a database since the test began, oldest first. */
async function recorded(realm = 'core'): Promise<Record<string, unknown>[]> {
  await test.platform.repeats.settle()
  return await inRealm(
    realm,
    sql`SELECT action, actor_kind, actor_id, target_kind, target_id, outcome, network, request_id, details FROM audit_log
      WHERE id::text > ${before[realm] ?? ''} ORDER BY id`,
  )
}

const realms = (): [string, string | undefined][] => [
  ['core', undefined],
  [tenantId, tenantId],
]

it('records a registration and a sign-in, where they happen', async () => {
  for (const [realm, header] of realms()) {
    const user = await test.api.register({ ...(header && { tenantId: header }) })
    await test.api.login(user, header)
    const entries = await recorded(realm)
    expect(entries).toMatchObject([
      { action: 'user.registered', actor_id: user.id, target_kind: 'user', target_id: user.id, details: {} },
      {
        action: 'user.logged_in',
        actor_id: user.id,
        target_kind: 'session',
        target_id: expect.stringMatching(ID),
        details: { method: 'password' },
      },
    ])
    for (const { request_id, network } of entries) {
      expect(request_id).toMatch(ID)
      expect(network).toBe('127.0.0.0/24')
    }
  }
})

it('records neither a registration nor a sign-in that was rolled back', async () => {
  expect((await test.api.post('/auth/register', { email: owner.email, password: PASSWORD })).status).toBe(409)
  expect(await recorded()).toEqual([])
})

it('records sign-ins that fail, a few of many, and none of strangers', async () => {
  for (const [realm, header] of realms()) {
    const { id, email } = await test.api.register({ ...(header && { tenantId: header }) })
    const attempt = (address: string) =>
      test.api.post('/auth/login', { email: address, password: 'not the password' }, { tenantId: header })
    for (let round = 0; round < 6; round++) await atOnce(2, () => attempt(email))
    await attempt('nobody@example.com')
    const failures = (await recorded(realm)).filter(({ action }) => action === 'user.login_failed')
    // The 1st and the 10th of a minute; or a few more, where a minute begins between them.
    expect(failures.length).toBeOneOf([2, 3])
    for (const failure of failures) {
      expect(failure).toMatchObject({
        actor_kind: 'user',
        actor_id: null,
        target_id: id,
        outcome: 'failure',
        details: { reason: 'credentials', attempts: expect.toBeOneOf([1, 10]) },
      })
    }
  }
})

it('records that a session ended, and that a token of it came again', async () => {
  for (const [realm, header] of realms()) {
    const user = await test.api.register({ ...(header && { tenantId: header }) })
    const call = { token: user.token, tenantId: header }
    expect((await test.api.send('POST', '/api/v1/auth/logout', undefined, call)).status).toBe(204)
    const again = await test.api.login(user, header)
    await test.api.login(user, header)
    const late = { token: again.token, tenantId: header }
    expect((await test.api.send('DELETE', '/api/v1/auth/sessions', undefined, late)).status).toBe(204)
    const ended = (await recorded(realm)).filter(({ action }) => action === 'session.ended')
    expect(ended).toMatchObject([
      { actor_id: user.id, target_kind: 'session', details: { reason: 'logout', sessions: 1 } },
      {
        actor_id: user.id,
        target_kind: 'user',
        target_id: user.id,
        details: { reason: 'revoked', sessions: 2 },
      },
    ])

    const thief = await test.api.login(user, header)
    const refresh = () =>
      test.api.post('/auth/refresh', { refresh_token: thief.refreshToken }, { tenantId: header })
    expect((await refresh()).status).toBe(200)
    await inRealm(
      realm,
      sql`UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' WHERE used_at IS NOT NULL`,
    )
    expect((await refresh()).status).toBe(401)
    expect((await refresh()).status).toBe(401)
    const reused = (await recorded(realm)).filter(({ action }) => action === 'session.reuse_detected')
    expect(reused).toMatchObject([{ actor_id: user.id, target_kind: 'session', outcome: 'failure' }])
  }
})

it('records what becomes of passwords and addresses', async () => {
  for (const [realm, header] of realms()) {
    const user = await test.api.register({ ...(header && { tenantId: header }) })
    await test.api.login(user, header)
    const body = { current_password: PASSWORD, new_password: 'another one that is long enough' }
    const call = { token: user.token, tenantId: header }
    expect((await test.api.put('/auth/password', body, call)).status).toBeLessThan(300)
    const changed = (await recorded(realm)).filter(({ action }) => action === 'password.changed')
    expect(changed).toMatchObject([{ actor_id: user.id, target_id: user.id, details: { sessions_ended: 1 } }])
  }
})

it('records the birth of an organization in the core log, and as the first entry of its own', async () => {
  const { id } = await test.api.createOrganization(owner)
  const created = {
    action: 'organization.created',
    target_kind: 'organization',
    target_id: id,
    outcome: 'success',
  }
  expect(await recorded()).toMatchObject([{ ...created, actor_kind: 'user', actor_id: owner.id }])
  const [user] = await inTenant(test.platform, id, sql`SELECT id FROM users`)
  expect(await recorded(id)).toMatchObject([{ ...created, actor_kind: 'user', actor_id: user?.['id'] }])
})

it('records what operators do, once', async () => {
  const admin = await test.api.register()
  before['core'] = await lastOf('core')
  const runs = [
    `tenants suspend ${tenantId}`,
    `tenants suspend ${tenantId}`,
    `tenants resume ${tenantId}`,
    `tenants rotate-credentials ${tenantId}`,
    `admin create --email ${admin.email}`,
    `admin create --email ${admin.email}`,
    'keys rotate --now',
  ]
  for (const args of runs) expect((await line.run(args)).code, args).toBe(EXIT.done)
  const actions = ['suspended', 'resumed', 'credentials_rotated'].map((verb) => `organization.${verb}`)
  expect(await recorded()).toMatchObject([
    ...actions.map((action) => ({
      action,
      actor_kind: 'operator',
      actor_id: null,
      target_id: tenantId,
      network: null,
    })),
    { action: 'admin.created', actor_kind: 'operator', target_kind: 'user', target_id: admin.id },
    {
      action: 'key.rotated',
      actor_kind: 'operator',
      target_kind: 'signing_key',
      details: { audience: 'core', at_once: true },
    },
    {
      action: 'key.rotated',
      actor_kind: 'operator',
      target_kind: 'signing_key',
      details: { audience: 'tenant', at_once: true },
    },
  ])
})

it('records a revoked key', async () => {
  const keys: { kid: string }[] = (await line.json('keys list')).data
  const kid = keys.at(-1)?.kid ?? ''
  expect((await line.run(`keys revoke ${kid} --yes`)).code).toBe(EXIT.done)
  expect((await recorded()).filter(({ target_id }) => target_id === kid)).toMatchObject([
    { action: 'key.revoked' },
  ])
})
