import { type SQL, sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

/** A place to sign in: the platform or an organization. */
interface Realm {
  readonly tenantId: string | undefined
  use(user: SignedInUser): Promise<ApiReply>
  change(statement: SQL): Promise<unknown>
}

const realms: Readonly<Record<'core' | 'tenant', () => Realm>> = {
  core: () => ({
    tenantId: undefined,
    use: ({ token }) => test.api.get('/organizations/me', { token }),
    change: (statement) => inCore(test.platform, statement),
  }),
  tenant: () => ({
    tenantId,
    use: ({ token }) => test.api.get('/users/me', { token, tenantId }),
    change: (statement) => inTenant(test.platform, tenantId, statement),
  }),
}

const sessionOf = ({ token }: SignedInUser) => String(decodeJwt(token)['sid'])

async function refresh({ tenantId }: Realm, user: SignedInUser): Promise<ApiReply> {
  return await test.api.post('/auth/refresh', { refresh_token: user.refreshToken }, { tenantId })
}

const REFUSED = { status: 401, body: { code: 'invalid-token' } }

describe.each(['core', 'tenant'] as const)('A19 in the %s realm', (name) => {
  it.each([
    ['is disabled', ({ id }: SignedInUser) => sql`UPDATE users SET is_active = false WHERE id = ${id}`],
    ['is deleted', ({ id }: SignedInUser) => sql`DELETE FROM users WHERE id = ${id}`],
  ])('a user who %s is out with the next request, in every session', async (_, statement) => {
    const realm = realms[name]()
    const ann = await test.api.register({ ...(realm.tenantId !== undefined && { tenantId }) })
    const elsewhere = await test.api.login(ann, realm.tenantId)
    for (const session of [ann, elsewhere]) expect((await realm.use(session)).status).toBe(200)
    await realm.change(statement(ann))
    for (const session of [ann, elsewhere]) {
      expect(await realm.use(session)).toMatchObject(REFUSED)
      expect(await refresh(realm, session)).toMatchObject(REFUSED)
    }
  })

  it.each([
    ['revoked', sql`revoked_at = now()`],
    ['over', sql`expires_at = now()`],
  ])('a session that is %s ends with the next request, and other sessions go on', async (_, change) => {
    const realm = realms[name]()
    const ann = await test.api.register({ ...(realm.tenantId !== undefined && { tenantId }) })
    const elsewhere = await test.api.login(ann, realm.tenantId)
    expect((await realm.use(ann)).status).toBe(200)
    await realm.change(sql`UPDATE sessions SET ${change} WHERE id = ${sessionOf(ann)}`)
    expect(await realm.use(ann)).toMatchObject(REFUSED)
    expect(await refresh(realm, ann)).toMatchObject(REFUSED)
    expect((await realm.use(elsewhere)).status).toBe(200)
    expect((await refresh(realm, elsewhere)).status).toBe(200)
  })

  it('a user who is enabled again may go on', async () => {
    const realm = realms[name]()
    const ann = await test.api.register({ ...(realm.tenantId !== undefined && { tenantId }) })
    await realm.change(sql`UPDATE users SET is_active = false WHERE id = ${ann.id}`)
    expect(await realm.use(ann)).toMatchObject(REFUSED)
    await realm.change(sql`UPDATE users SET is_active = true WHERE id = ${ann.id}`)
    expect((await realm.use(ann)).status).toBe(200)
  })
})

it('A19 a linked user whose core account is disabled cannot refresh in its organization either', async () => {
  const linked = await test.api.login(owner, tenantId)
  const realm = realms.tenant()
  await inCore(test.platform, sql`UPDATE users SET is_active = false WHERE id = ${owner.id}`)
  expect(await refresh(realm, linked)).toMatchObject(REFUSED)
  const again = await test.api.post('/auth/login', { email: owner.email, password: owner.password }, realm)
  expect(again).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
})

it('A19 a session of one user is of no use with another user’s id', async () => {
  const [ann, bob] = [await test.api.register({ tenantId }), await test.api.register({ tenantId })]
  await inTenant(
    test.platform,
    tenantId,
    sql`UPDATE sessions SET user_id = ${bob.id} WHERE id = ${sessionOf(ann)}`,
  )
  expect(await realms.tenant().use(ann)).toMatchObject(REFUSED)
})
