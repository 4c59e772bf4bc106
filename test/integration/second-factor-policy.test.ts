import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireSecondFactor } from '../../src/organizations/index.ts'
import type { Id } from '../../src/platform/index.ts'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { realmOf, type TestRealm } from '../support/realms.ts'
import { answer, as, challengeFor, codeAt, createTestClock, protect } from '../support/second-factor.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const LACKING = { status: 403, body: { code: 'mfa-required' } }

const clock = createTestClock()
let both: TwoProcesses
beforeAll(async () => {
  both = await startTwoProcesses({ clock })
})
afterAll(() => both.close())

/** A new organization, and its owner on the platform and in it. */
async function organization(): Promise<{ tenant: TestRealm; owner: SignedInUser; inTenant: SignedInUser }> {
  const { api } = both.one
  const owner = await api.register()
  const { id } = await api.createOrganization(owner)
  return { tenant: realmOf(both.one, id), owner, inTenant: await api.login(owner, id) }
}

/** Changes the policy in one process; what is asked of the other must know it at once. */
async function ask(tenant: TestRealm, isRequired: boolean): Promise<void> {
  await both.one.platform.tenancy.withTenant(tenant.tenantId as Id, (db) =>
    requireSecondFactor(db, isRequired),
  )
}

const profile = (realm: TestRealm, user: Pick<SignedInUser, 'token'>): Promise<ApiReply> =>
  both.other.api.get('/users/me', as(realm, user))

describe('an organization that asks for a second factor', () => {
  it('lets who has none do nothing but set one up, from the next request on', async () => {
    const { tenant } = await organization()
    const user = await tenant.register()
    expect((await profile(tenant, user)).status).toBe(200)
    await ask(tenant, true)
    const { api } = both.other
    const mine = as(tenant, user)
    expect(await profile(tenant, user)).toMatchObject(LACKING)
    expect(await api.put('/users/me', { full_name: 'A' }, mine)).toMatchObject(LACKING)
    expect(await api.get('/auth/sessions', mine)).toMatchObject(LACKING)
    expect(await api.delete('/auth/sessions', mine)).toMatchObject(LACKING)
    expect(await api.delete('/auth/mfa/totp', mine)).toMatchObject(LACKING)
    expect((await api.get('/auth/mfa', mine)).status).toBe(200)
    expect((await api.post('/auth/step-up', { password: user.password }, mine)).status).toBe(204)
    // Also with a session of later: who signs in or refreshes lacks it as before.
    expect(await profile(tenant, await api.login(user, tenant.tenantId))).toMatchObject(LACKING)
    const refreshed = await tenant.refresh(user.refreshToken)
    expect(await profile(tenant, { token: refreshed.body.access_token })).toMatchObject(LACKING)

    await protect(both.other, tenant, clock, user)
    expect((await profile(tenant, user)).status).toBe(200)
  })

  it('lets everybody sign out', async () => {
    const { tenant } = await organization()
    const user = await tenant.register()
    await ask(tenant, true)
    const reply = await both.other.api.post('/auth/logout', undefined, as(tenant, user))
    expect(reply.status).toBe(204)
  })

  it('asks again who removes it, and no more once it does not ask', async () => {
    const { tenant } = await organization()
    const { user } = await protect(both.one, tenant, clock)
    await ask(tenant, true)
    expect((await profile(tenant, user)).status).toBe(200)
    expect((await both.one.api.delete('/auth/mfa/totp', as(tenant, user))).status).toBe(204)
    expect(await profile(tenant, user)).toMatchObject(LACKING)
    await ask(tenant, false)
    expect((await profile(tenant, user)).status).toBe(200)
  })

  it('asks those who register, and nobody of another organization or of the platform', async () => {
    const [asking, other] = [await organization(), await organization()]
    await ask(asking.tenant, true)
    expect(await profile(asking.tenant, await asking.tenant.register())).toMatchObject(LACKING)
    expect((await profile(other.tenant, await other.tenant.register())).status).toBe(200)
    const platform = await both.other.api.get('/organizations/me', { token: asking.owner.token })
    expect(platform.status).toBe(200)
  })

  it('wants of linked users that they showed the factor of the platform account', async () => {
    const { tenant, owner, inTenant } = await organization()
    await ask(tenant, true)
    expect(await profile(tenant, inTenant)).toMatchObject(LACKING)
    const { secret } = await protect(both.one, realmOf(both.one), clock, owner)
    // The factor is there, but this session has not seen it.
    expect(await profile(tenant, inTenant)).toMatchObject(LACKING)
    const code = { code: codeAt(secret, clock.nextStep()) }
    expect((await both.other.api.post('/auth/step-up', code, as(tenant, inTenant))).status).toBe(204)
    expect((await profile(tenant, inTenant)).status).toBe(200)

    const token = await challengeFor(both.other, tenant, owner)
    const { body } = await answer(both.other, tenant, token, { code: codeAt(secret, clock.nextStep()) })
    expect((await profile(tenant, { token: body.access_token })).status).toBe(200)
    const kept = await tenant.refresh(body.refresh_token)
    expect((await profile(tenant, { token: kept.body.access_token })).status).toBe(200)

    const removed = await both.one.api.delete('/auth/mfa/totp', { token: owner.token })
    expect(removed.status).toBe(204)
    const lost = await tenant.refresh(kept.body.refresh_token)
    expect(await profile(tenant, { token: lost.body.access_token })).toMatchObject(LACKING)
  })

  it('lets nobody in by the exchange of a core session that saw a factor which was removed', async () => {
    const { tenant, owner } = await organization()
    await protect(both.one, realmOf(both.one), clock, owner)
    await ask(tenant, true)
    const exchange = async () => {
      const path = `/organizations/${tenant.tenantId}/token`
      const { body } = await both.other.api.post(path, {}, { token: owner.token })
      return { token: body.access_token as string }
    }
    expect((await profile(tenant, await exchange())).status).toBe(200)
    expect((await both.one.api.delete('/auth/mfa/totp', { token: owner.token })).status).toBe(204)
    expect(await profile(tenant, await exchange())).toMatchObject(LACKING)
  })
})
