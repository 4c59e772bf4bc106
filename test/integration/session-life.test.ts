import { type SQL, sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { REALM_NAMES, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'

const DAY = 86_400
const INVALID = { status: 401, body: { code: 'invalid-token' } }

let test: CheckedPlatform
let realms: Record<(typeof REALM_NAMES)[number], TestRealm>
beforeAll(async () => {
  test = await startCheckedPlatform()
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
})
afterAll(() => test.close())

/** Lets time pass for a session, on the database's clock. */
async function age(realm: TestRealm, user: SignedInUser, by: SQL): Promise<void> {
  await realm.change(
    sql`UPDATE sessions SET created_at = created_at - ${by}, last_used_at = last_used_at - ${by},
      expires_at = expires_at - ${by} WHERE id = ${sessionOf(user)}`,
  )
}

/** Seconds that a session lives: since its sign-in, and from now on. */
async function lifeOf(realm: TestRealm, user: SignedInUser): Promise<{ whole: number; left: number }> {
  const [row] = await realm.change<{ whole: number; left: number }>(
    sql`SELECT extract(epoch FROM expires_at - created_at)::float8 AS whole,
      extract(epoch FROM expires_at - now())::float8 AS left FROM sessions WHERE id = ${sessionOf(user)}`,
  )
  return row ?? { whole: Number.NaN, left: Number.NaN }
}

describe.each(REALM_NAMES)('O3 a session of the %s realm', (name) => {
  it('ends when nobody refreshes it for 14 days', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    expect((await lifeOf(realm, ann)).whole).toBeCloseTo(14 * DAY, 1)
    await age(realm, ann, sql`interval '14 days'`)
    expect(await realm.refresh(ann.refreshToken)).toMatchObject(INVALID)
    expect(await realm.isIn(ann.token)).toBe(false)
    expect((await realm.refresh((await test.api.login(ann, realm.tenantId)).refreshToken)).status).toBe(200)
  })

  it('goes on for 14 days more after each refresh', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    await age(realm, ann, sql`interval '13 days 23 hours'`)
    const refreshed = await realm.refresh(ann.refreshToken)
    expect(refreshed.status).toBe(200)
    const { left } = await lifeOf(realm, ann)
    expect(left).toBeLessThanOrEqual(14 * DAY)
    expect(left).toBeGreaterThan(14 * DAY - 60)
    expect(await realm.isIn(ann.token)).toBe(true)
  })

  it('ends 30 days after its sign-in, whoever refreshes it', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    await age(realm, ann, sql`interval '13 days'`)
    const first = await realm.refresh(ann.refreshToken)
    await age(realm, ann, sql`interval '13 days'`)
    const second = await realm.refresh(first.body.refresh_token)
    expect(second.status).toBe(200)
    expect((await lifeOf(realm, ann)).whole).toBe(30 * DAY)
    await age(realm, ann, sql`interval '4 days'`)
    expect(await realm.refresh(second.body.refresh_token)).toMatchObject(INVALID)
    expect(await realm.isIn(second.body.access_token)).toBe(false)
    expect((await lifeOf(realm, ann)).whole).toBe(30 * DAY)
  })

  it('that is over does not come back, not even with a token that may come again', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    const { body } = await realm.refresh(ann.refreshToken)
    await realm.change(sql`UPDATE sessions SET expires_at = now() WHERE id = ${sessionOf(ann)}`)
    for (const token of [ann.refreshToken, body.refresh_token])
      expect(await realm.refresh(token)).toMatchObject(INVALID)
    for (const token of [ann.token, body.access_token]) expect(await realm.isIn(token)).toBe(false)
  })

  it('has access tokens that do not outlive it', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    await age(realm, ann, sql`interval '13 days'`)
    const first = await realm.refresh(ann.refreshToken)
    expect(first.body.expires_in).toBe(600)
    await age(realm, ann, sql`interval '13 days'`)
    const second = await realm.refresh(first.body.refresh_token)
    await age(realm, ann, sql`interval '3 days 23 hours 55 minutes'`)
    const { body } = await realm.refresh(second.body.refresh_token)
    expect(body.expires_in).toBeLessThanOrEqual(300)
    expect(body.expires_in).toBeGreaterThan(240)
    const { iat = 0, exp = 0 } = decodeJwt(body.access_token)
    expect(exp - iat).toBe(body.expires_in)
    expect(await realm.isIn(body.access_token)).toBe(true)
  })
})

describe('O3 a session of somebody who operates the platform', () => {
  const promote = (user: SignedInUser) =>
    realms.core.change(sql`UPDATE users SET is_admin = true WHERE id = ${user.id}`)

  it('ends 24 hours after the sign-in', async () => {
    const ann = await test.api.register()
    await promote(ann)
    const admin = await test.api.login(ann)
    expect((await lifeOf(realms.core, admin)).whole).toBe(DAY)
    await age(realms.core, admin, sql`interval '23 hours'`)
    const refreshed = await realms.core.refresh(admin.refreshToken)
    expect(refreshed.status).toBe(200)
    expect((await lifeOf(realms.core, admin)).whole).toBe(DAY)
    await age(realms.core, admin, sql`interval '1 hour'`)
    expect(await realms.core.refresh(refreshed.body.refresh_token)).toMatchObject(INVALID)
    expect(await realms.core.isIn(refreshed.body.access_token)).toBe(false)
  })

  it('does so too when it began before they did, from the next refresh on', async () => {
    const [old, young] = [await test.api.register(), await test.api.register()]
    await age(realms.core, old, sql`interval '25 hours'`)
    for (const user of [old, young]) await promote(user)
    expect(await realms.core.refresh(old.refreshToken)).toMatchObject(INVALID)
    expect(await realms.core.isIn(old.token)).toBe(false)
    expect((await realms.core.refresh(young.refreshToken)).status).toBe(200)
    expect((await lifeOf(realms.core, young)).whole).toBe(DAY)
  })
})

describe.each(REALM_NAMES)('what is left of old sessions of the %s realm', (name) => {
  it('is deleted by sign-ins of the same user, some at a time, a day after the end', async () => {
    const realm = realms[name]
    const [ann, bob] = [await realm.register(), await realm.register()]
    const logins: SignedInUser[] = []
    for (let index = 0; index < 9; index++) logins.push(await test.api.login(ann, realm.tenantId))
    const [live, revokedNow, ...old] = logins as [SignedInUser, SignedInUser, ...SignedInUser[]]
    const end = async (user: SignedInUser, change: SQL) =>
      await realm.change(sql`UPDATE sessions SET ${change} WHERE id = ${sessionOf(user)}`)
    await end(revokedNow, sql`revoked_at = now() - interval '23 hours'`)
    for (const [index, user] of [...old, bob].entries())
      await end(user, sql.raw(`${index % 2 ? 'revoked_at' : 'expires_at'} = now() - interval '25 hours'`))
    const countOf = async (user: SignedInUser) => {
      const tokens = sql`SELECT s.id, count(t.hash)::int AS tokens FROM sessions s
        LEFT JOIN refresh_tokens t ON t.session_id = s.id WHERE s.user_id = ${user.id} GROUP BY s.id`
      return await realm.change<{ id: string; tokens: number }>(tokens)
    }
    // Registration, live, revoked a short time ago, seven old ones.
    expect(await countOf(ann)).toHaveLength(10)
    const again = [await test.api.login(ann, realm.tenantId)]
    expect(await countOf(ann)).toHaveLength(10 - 5 + 1)
    again.push(await test.api.login(ann, realm.tenantId))
    const kept = await countOf(ann)
    expect(kept.map(({ id }) => id).sort()).toEqual([ann, live, revokedNow, ...again].map(sessionOf).sort())
    expect(kept.every(({ tokens }) => tokens === 1)).toBe(true)
    const orphans = sql`SELECT hash FROM refresh_tokens WHERE session_id NOT IN (SELECT id FROM sessions)`
    expect(await realm.change(orphans)).toEqual([])
    expect(await countOf(bob)).toHaveLength(1)
    expect(await realm.isIn(live.token)).toBe(true)
  })
})
