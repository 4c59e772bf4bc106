import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { realmOf, sessionOf, type TestRealm } from '../support/realms.ts'

interface Signed {
  readonly realm: TestRealm
  readonly user: SignedInUser
}

let test: CheckedPlatform
/** One person with one password: on the platform, and in two organizations. */
let everywhere: readonly Signed[]
beforeAll(async () => {
  test = await startCheckedPlatform()
  const owner = await test.api.register()
  everywhere = [{ realm: realmOf(test), user: owner }]
  for (const name of ['A', 'B']) {
    const { id } = await test.api.createOrganization(owner, name)
    everywhere = [...everywhere, { realm: realmOf(test, id), user: await test.api.login(owner, id) }]
  }
})
afterAll(() => test.close())

/** Calls `use` for everybody with what belongs to each other realm, and then sees that all are still signed in. */
async function crosswise(use: (mine: Signed, foreign: Signed) => Promise<void>): Promise<void> {
  for (const mine of everywhere)
    for (const foreign of everywhere) if (mine !== foreign) await use(mine, foreign)
  for (const { realm, user } of everywhere) expect(await realm.isIn(user.token)).toBe(true)
}

it('B10 a session’s id is of no use in another realm, not even to the same person', async () => {
  await crosswise(async ({ realm, user }, foreign) => {
    const call = { token: user.token, tenantId: realm.tenantId }
    const reply = await test.api.delete(`/auth/sessions/${sessionOf(foreign.user)}`, call)
    expect(reply).toMatchObject({ status: 404, body: { code: 'not-found' } })
  })
})

it('B10 a list shows the sessions of its own realm alone', async () => {
  for (const { realm, user } of everywhere) {
    const { body } = await test.api.get('/auth/sessions', { token: user.token, tenantId: realm.tenantId })
    expect(body.map(({ id }: { id: string }) => id)).toEqual([sessionOf(user)])
  }
})

it('B10 B11 a refresh token is of no use in another realm, and its session goes on', async () => {
  await crosswise(async ({ realm }, foreign) => {
    expect(await realm.refresh(foreign.user.refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'invalid-token' },
    })
  })
  for (const { realm, user } of everywhere) expect((await realm.refresh(user.refreshToken)).status).toBe(200)
})

it('B10 signing out everywhere is of one realm', async () => {
  const [owner] = everywhere as [Signed]
  const again = await test.api.login(owner.user)
  expect((await test.api.delete('/auth/sessions', { token: again.token })).status).toBe(204)
  for (const { realm, user } of everywhere)
    expect(await realm.isIn(user.token)).toBe(realm.tenantId !== undefined)
})
