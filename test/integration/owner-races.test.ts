import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CALLERS = 16

let two: TwoProcesses
let founder: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses()
  founder = await two.one.api.register()
})
afterAll(() => two.close())

/** A new organization with so many owners. */
async function owned(owners: number): Promise<{ id: string; owners: LinkedPerson[] }> {
  const { id } = await two.one.api.createOrganization(founder)
  const people = [await enter(two.one, id, founder)]
  while (people.length < owners) people.push(await addLinked(two.one, id, 'owner'))
  return { id, owners: people }
}

async function ownersOf(id: string): Promise<string[]> {
  const rows = await inTenant<{ core_user_id: string }>(
    two.one.platform,
    id,
    sql`SELECT core_user_id FROM users WHERE role = 'owner' AND is_owner AND is_active`,
  )
  return rows.map((row) => row.core_user_id)
}

/** The core database says what the organization's own says. */
async function expectEqual(id: string): Promise<void> {
  const truth = sql`SELECT core_user_id, role FROM users WHERE is_active AND core_user_id IS NOT NULL ORDER BY 1`
  const members = await inTenant<{ core_user_id: string; role: string }>(two.one.platform, id, truth)
  const copy = sql`SELECT core_user_id, role FROM memberships WHERE organization_id = ${id} ORDER BY 1`
  const known = await inCore<{ core_user_id: string; role: string }>(two.one.platform, copy)
  const [row] = await inCore<{ owner_id: string }>(
    two.one.platform,
    sql`SELECT owner_id FROM organizations WHERE id = ${id}`,
  )
  expect(await ownersOf(id)).toContain(row?.owner_id)
  // The owner of record needs no row.
  const expected = members.filter((member) =>
    known.some(({ core_user_id }) => core_user_id === member.core_user_id),
  )
  expect(known).toEqual(expected)
  expect(members.length - expected.length).toBeLessThanOrEqual(1)
  expect(await inCore(two.one.platform, sql`SELECT FROM membership_changes`)).toEqual([])
}

function statuses(replies: readonly ApiReply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const outcome = `${status} ${body?.code ?? ''}`.trim()
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

describe('H13 owners who go at once, in two processes', () => {
  it.each(['leave', 'are demoted', 'are deactivated'])('%s: one stays', async (how) => {
    for (let round = 0; round < 2; round++) {
      const { id, owners } = await owned(4)
      const replies = await atOnce(owners.length, (index) => {
        const { memberId, tenantToken: token } = owners[index] as LinkedPerson
        const { api } = index % 2 === 0 ? two.one : two.other
        const call = { token, tenantId: id }
        if (how === 'leave') return api.delete(`/members/${memberId}`, call)
        if (how === 'are demoted') return api.patch(`/members/${memberId}`, { role: 'member' }, call)
        return api.post(`/members/${memberId}/deactivate`, {}, call)
      })
      const done = how === 'leave' ? 204 : 200
      expect(statuses(replies)).toEqual({ [done]: 3, '409 last-owner': 1 })
      expect(await ownersOf(id)).toHaveLength(1)
      await expectEqual(id)
    }
  })

  it('in 16 ways, against each other: one stays, nobody hears of a deadlock', async () => {
    for (let round = 0; round < 2; round++) {
      const { id, owners } = await owned(4)
      const replies = await atOnce(CALLERS, (index) => {
        const actor = owners[index % 4] as LinkedPerson
        const target = owners[(index + 1 + (index >> 2)) % 4] as LinkedPerson
        const { api } = index % 2 === 0 ? two.one : two.other
        const call = { token: actor.tenantToken, tenantId: id }
        const path = `/members/${target.memberId}`
        if (index % 3 === 0) return api.patch(path, { role: 'member' }, call)
        if (index % 3 === 1) return api.post(`${path}/deactivate`, {}, call)
        return api.delete(path, call)
      })
      for (const outcome of Object.keys(statuses(replies)))
        expect([
          '200',
          '204',
          '401 invalid-token',
          '403 permission-denied',
          '404 not-found',
          '409 last-owner',
        ]).toContain(outcome)
      expect((await ownersOf(id)).length).toBeGreaterThanOrEqual(1)
      await expectEqual(id)
    }
  })

  it('by 16 transfers of one owner: one counts', async () => {
    const { id, owners } = await owned(1)
    const heirs = [await addLinked(two.one, id), await addLinked(two.one, id)]
    const [owner] = owners as [LinkedPerson]
    const replies = await atOnce(CALLERS, (index) => {
      const body = { member_id: heirs[index % 2]?.memberId }
      const { api } = index % 2 === 0 ? two.one : two.other
      return api.post('/organization/transfer', body, { token: owner.tenantToken, tenantId: id })
    })
    expect(statuses(replies)).toEqual({ 200: 1, '403 permission-denied': 15 })
    const [heir] = await ownersOf(id)
    expect(heirs.map((person) => person.id)).toContain(heir)
    await expectEqual(id)
  })
})

describe('a process that dies between the two databases', () => {
  /** Changes the truth as a request does, and dies before the core database hears of it. */
  async function changeAndDie(
    id: string,
    people: readonly LinkedPerson[],
    roles: readonly string[],
  ): Promise<void> {
    const change = '0199aaaa-0000-7000-8000-000000000000'
    for (const [index, person] of people.entries()) {
      await inCore(
        two.one.platform,
        sql`INSERT INTO membership_changes (id, core_user_id, organization_id, created_at)
          VALUES (${change}, ${person.id}, ${id}, now() - interval '2 minutes')`,
      )
      const role = roles[index] ?? 'member'
      await inTenant(
        two.one.platform,
        id,
        role === 'gone'
          ? sql`DELETE FROM users WHERE id = ${person.memberId}`
          : sql`UPDATE users SET role = ${role}, is_owner = ${role === 'owner'} WHERE id = ${person.memberId}`,
      )
    }
  }

  it('leaves a note, by which another one makes them equal', async () => {
    const { id, owners } = await owned(1)
    const [heir, gone] = [await addLinked(two.one, id), await addLinked(two.one, id, 'admin')]
    await changeAndDie(id, [...owners, heir, gone], ['admin', 'owner', 'gone'])
    await two.other.platform.memberships.repair()
    await expectEqual(id)
    expect((await two.one.api.get(`/organizations/${id}`, founder)).body).toMatchObject({
      role: 'admin',
      owner_id: heir.id,
    })
    expect((await two.one.api.get(`/organizations/${id}`, gone)).status).toBe(404)
  })

  it('of a suspended organization waits, and keeps no other one waiting', async () => {
    const { id, owners } = await owned(1)
    const heir = await addLinked(two.one, id)
    await changeAndDie(id, [...owners, heir], ['admin', 'owner'])
    const setStatus = async (status: string) => {
      await inCore(two.one.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${id}`)
      two.other.platform.tenancy.invalidate(id)
    }
    await setStatus('suspended')
    expect(await two.other.platform.memberships.repair()).toBe(false)
    const age = sql`SELECT FROM membership_changes WHERE created_at > now() - interval '1 minute'`
    expect(await inCore(two.one.platform, age)).toHaveLength(2)
    await setStatus('active')
    await inCore(
      two.one.platform,
      sql`UPDATE membership_changes SET created_at = now() - interval '2 minutes'`,
    )
    await two.other.platform.memberships.repair()
    await expectEqual(id)
  })

  it('before it changed anything leaves everything as it was', async () => {
    const { id, owners } = await owned(1)
    const person = await addLinked(two.one, id, 'admin')
    await changeAndDie(id, [...owners, person], ['owner', 'admin'])
    await two.one.platform.memberships.repair()
    await expectEqual(id)
    expect((await two.one.api.get(`/organizations/${id}`, founder)).body).toMatchObject({
      owner_id: founder.id,
    })
  })
})
