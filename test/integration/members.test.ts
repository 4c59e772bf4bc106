import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { TIME } from '../support/shapes.ts'

const DENIED = { status: 403, body: { code: 'permission-denied' } }
const LAST_OWNER = { status: 409, body: { code: 'last-owner' } }
const NOT_FOUND = { status: 404, body: { code: 'not-found' } }

let test: CheckedPlatform
let founder: SignedInUser
let owner: LinkedPerson
let admin: LinkedPerson
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  founder = await test.api.register()
  ;({ id: tenantId } = await test.api.createOrganization(founder))
  owner = await enter(test, tenantId, founder)
  admin = await addLinked(test, tenantId, 'admin')
})
afterAll(() => test.close())

const as = (person: LinkedPerson) => ({ token: person.tenantToken, tenantId })
const asMember = (person: SignedInUser) => ({ token: person.token, tenantId })
const newMember = () => test.api.register({ tenantId })
const setRole = (by: LinkedPerson, id: string, role: string) =>
  test.api.patch(`/members/${id}`, { role }, as(by))
const act = (by: LinkedPerson, id: string, verb: 'deactivate' | 'reactivate') =>
  test.api.post(`/members/${id}/${verb}`, {}, as(by))
const remove = (by: LinkedPerson, id: string) => test.api.delete(`/members/${id}`, as(by))
const mirrored = async (person: SignedInUser) =>
  (await test.api.get('/organizations/me', person)).body.find(({ id }: { id: string }) => id === tenantId)
    ?.role

describe('members', () => {
  it('are listed for those who manage them, and everybody may ask for oneself', async () => {
    const ann = await newMember()
    const reply = await test.api.get(`/members/${ann.id}`, asMember(ann))
    expect(reply.body).toEqual({
      id: ann.id,
      email: ann.email,
      full_name: null,
      role: 'member',
      is_owner: false,
      is_active: true,
      is_linked: false,
      created_at: expect.stringMatching(TIME),
      updated_at: expect.stringMatching(TIME),
    })
    expect(await test.api.get(`/members/${owner.memberId}`, asMember(ann))).toMatchObject(DENIED)
    expect(await test.api.get('/members', asMember(ann))).toMatchObject(DENIED)
    const { items } = (await test.api.get('/members?limit=100', as(admin))).body
    expect(items).toContainEqual(reply.body)
    expect(items[0]).toMatchObject({ id: owner.memberId, role: 'owner', is_owner: true, is_linked: true })
  })

  it('are filtered by role, status and how their address begins', async () => {
    const word = unique('filter')
    const [one, two] = [
      await test.api.register({ tenantId, email: `${word}-one@example.com` }),
      await test.api.register({ tenantId, email: `${word}-two_%@example.com` }),
    ]
    await act(owner, two.id, 'deactivate')
    const ids = async (query: string) =>
      (await test.api.get(`/members?${query}`, as(owner))).body.items.map(({ id }: { id: string }) => id)
    expect(await ids(`email=${word.toUpperCase()}`)).toEqual([one.id, two.id])
    expect(await ids(`email=${word}&status=inactive`)).toEqual([two.id])
    expect(await ids(`email=${word}&status=active`)).toEqual([one.id])
    expect(await ids(`email=${word}&role=admin`)).toEqual([])
    expect(await ids(`email=${word}-two_%25@`)).toEqual([two.id])
    for (const pattern of ['%25', '_', '%25filter'])
      expect(await ids(`email=${pattern}`), pattern).toEqual([])
    expect(await ids('role=owner')).toEqual([owner.memberId])
  })

  it('C19 B10 come in pages, whose cursors are good for one list of one organization', async () => {
    const other = (await test.api.createOrganization(founder)).id
    const there = await enter(test, other, founder)
    await test.api.register({ tenantId: other })
    for (let count = 0; count < 3; count++) await newMember()
    const all = (await test.api.get('/members?limit=100', as(owner))).body.items
    const seen: unknown[] = []
    let cursor: string | null = null
    do {
      const next: string = cursor === null ? '' : `&cursor=${cursor}`
      const page = await test.api.get(`/members?limit=2${next}`, as(owner))
      seen.push(...page.body.items)
      cursor = page.body.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(all)

    const mine = (await test.api.get('/members?limit=2', as(owner))).body.next_cursor
    const theirs = (await test.api.get('/members?limit=1', { token: there.tenantToken, tenantId: other }))
      .body
    const wrong = [theirs.next_cursor, `${mine.slice(0, -1)}${mine.endsWith('0') ? '1' : '0'}`, mine.slice(2)]
    for (const value of wrong)
      expect((await test.api.get(`/members?cursor=${value}`, as(owner))).status).toBe(422)
    expect((await test.api.get(`/members?role=admin&cursor=${mine}`, as(owner))).status).toBe(422)
    for (const limit of ['-1', '0', '1e3', '101', '1000000000', '%D9%A1%D9%A0', '', '1&limit=2'])
      expect((await test.api.get(`/members?limit=${limit}`, as(owner))).status, limit).toBe(422)
  })

  it('B10 of another organization are none here', async () => {
    const other = (await test.api.createOrganization(founder)).id
    const stranger = await test.api.register({ tenantId: other })
    for (const id of [stranger.id, newId(), founder.id]) {
      expect(await test.api.get(`/members/${id}`, as(owner))).toMatchObject(NOT_FOUND)
      expect(await setRole(owner, id, 'admin')).toMatchObject(NOT_FOUND)
      expect(await act(owner, id, 'deactivate')).toMatchObject(NOT_FOUND)
      expect(await remove(owner, id)).toMatchObject(NOT_FOUND)
      expect(await test.api.post('/organization/transfer', { member_id: id }, as(owner))).toMatchObject(
        NOT_FOUND,
      )
    }
  })
})

describe('roles', () => {
  it('are given by owners and admins, count from the next request on, and are seen in the core', async () => {
    const ann = await addLinked(test, tenantId)
    expect(await test.api.get('/members', as(ann))).toMatchObject(DENIED)
    expect((await setRole(admin, ann.memberId, 'admin')).body).toMatchObject({
      role: 'admin',
      is_owner: false,
    })
    expect((await test.api.get('/members', as(ann))).status).toBe(200)
    expect(await mirrored(ann)).toBe('admin')
    expect((await setRole(owner, ann.memberId, 'owner')).body).toMatchObject({
      role: 'owner',
      is_owner: true,
    })
    expect(await mirrored(ann)).toBe('owner')
    expect((await setRole(ann, ann.memberId, 'member')).status).toBe(200)
    expect(await mirrored(ann)).toBe('member')
    expect(await setRole(ann, ann.memberId, 'admin')).toMatchObject(DENIED)
  })

  it('of owners are out of an admin’s reach', async () => {
    expect(await setRole(admin, admin.memberId, 'owner')).toMatchObject(DENIED)
    expect(await setRole(admin, owner.memberId, 'member')).toMatchObject(DENIED)
    expect(await act(admin, owner.memberId, 'deactivate')).toMatchObject(DENIED)
    expect(await act(admin, owner.memberId, 'reactivate')).toMatchObject(DENIED)
    expect(await remove(admin, owner.memberId)).toMatchObject(DENIED)
    const transfer = { member_id: admin.memberId }
    expect(await test.api.post('/organization/transfer', transfer, as(admin))).toMatchObject(DENIED)
  })

  it('of an owner are for platform users who are active', async () => {
    const ann = await newMember()
    expect(await setRole(owner, ann.id, 'owner')).toMatchObject({
      status: 409,
      body: { code: 'member-not-linked' },
    })
    const bob = await addLinked(test, tenantId)
    await act(owner, bob.memberId, 'deactivate')
    expect(await setRole(owner, bob.memberId, 'owner')).toMatchObject({
      status: 409,
      body: { code: 'member-inactive' },
    })
  })

  it.each([{ role: 'Owner' }, { role: null }, {}, { role: 'admin', is_active: false }])(
    'G2 are not changed by %j: 422',
    async (body) => {
      expect((await test.api.patch(`/members/${admin.memberId}`, body, as(owner))).status).toBe(422)
    },
  )
})

describe('a member who is deactivated', () => {
  it('A19 is out at once, on every way in, and in again with a new sign-in', async () => {
    const ann = await addLinked(test, tenantId)
    const password = await test.api.login(ann, tenantId)
    expect((await act(admin, ann.memberId, 'deactivate')).body).toMatchObject({ is_active: false })
    for (const token of [ann.tenantToken, password.token])
      expect((await test.api.get('/users/me', { token, tenantId })).status).toBe(401)
    const refresh = { refresh_token: ann.tenantRefreshToken }
    expect((await test.api.post('/auth/refresh', refresh, { tenantId })).status).toBe(401)
    const login = { email: ann.email, password: ann.password }
    expect((await test.api.post('/auth/login', login, { tenantId })).status).toBe(401)
    expect((await test.api.post(`/organizations/${tenantId}/token`, {}, ann)).status).toBe(404)
    expect(await mirrored(ann)).toBeUndefined()
    expect((await act(admin, ann.memberId, 'deactivate')).status).toBe(200)

    expect((await act(admin, ann.memberId, 'reactivate')).body).toMatchObject({ is_active: true })
    expect((await test.api.get('/users/me', as(ann))).status).toBe(401)
    expect(await mirrored(ann)).toBe('member')
    await enter(test, tenantId, ann)
  })
})

describe('a member who is removed', () => {
  it('A19 is out at once, and leaves nothing', async () => {
    const ann = await addLinked(test, tenantId)
    expect((await remove(admin, ann.memberId)).status).toBe(204)
    expect((await test.api.get('/users/me', as(ann))).status).toBe(401)
    expect(await mirrored(ann)).toBeUndefined()
    expect(await test.api.get(`/members/${ann.memberId}`, as(admin))).toMatchObject(NOT_FOUND)
    const rows = sql`SELECT FROM sessions WHERE user_id = ${ann.memberId}`
    expect(await inTenant(test.platform, tenantId, rows)).toEqual([])
  })

  it('may be oneself, whatever the role', async () => {
    const [ann, bob] = [await newMember(), await newMember()]
    expect((await test.api.delete(`/members/${bob.id}`, asMember(ann))).body.code).toBe('permission-denied')
    expect((await test.api.delete(`/members/${ann.id}`, asMember(ann))).status).toBe(204)
    expect((await test.api.get('/users/me', asMember(ann))).status).toBe(401)
  })
})

describe('the last owner', () => {
  it('H13 cannot leave, be demoted or be deactivated, and can once there is another', async () => {
    const person = await test.api.register()
    const id = (await test.api.createOrganization(person)).id
    const last = await enter(test, id, person)
    const call = { token: last.tenantToken, tenantId: id }
    const path = `/members/${last.memberId}`
    const tries = [
      () => test.api.delete(path, call),
      () => test.api.patch(path, { role: 'admin' }, call),
      () => test.api.patch(path, { role: 'member' }, call),
      () => test.api.post(`${path}/deactivate`, {}, call),
    ]
    for (const attempt of tries) expect(await attempt()).toMatchObject(LAST_OWNER)
    const heir = await addLinked(test, id)
    for (const attempt of tries) expect(await attempt()).toMatchObject(LAST_OWNER)
    expect((await test.api.patch(`/members/${heir.memberId}`, { role: 'owner' }, call)).status).toBe(200)
    expect((await test.api.delete(path, call)).status).toBe(204)
    const seen = (await test.api.get(`/organizations/${id}`, heir)).body
    expect(seen).toMatchObject({ role: 'owner', owner_id: heir.id })
    expect((await test.api.get(`/organizations/${id}`, person)).status).toBe(404)
  })
})

describe('a transfer of ownership', () => {
  it('makes the other one the owner, in both databases, and me an admin', async () => {
    const person = await test.api.register()
    const id = (await test.api.createOrganization(person)).id
    const first = await enter(test, id, person)
    const second = await addLinked(test, id)
    const call = { token: first.tenantToken, tenantId: id }
    const reply = await test.api.post('/organization/transfer', { member_id: second.memberId }, call)
    expect(reply).toMatchObject({ status: 200, body: { id: second.memberId, role: 'owner', is_owner: true } })
    expect((await test.api.get(`/organizations/${id}`, person)).body).toMatchObject({
      role: 'admin',
      owner_id: second.id,
    })
    expect((await test.api.get(`/organizations/${id}`, second)).body.role).toBe('owner')
    // What an owner may, the first one may not any more, and the second may.
    const back = { member_id: first.memberId }
    expect(await test.api.post('/organization/transfer', back, call)).toMatchObject(DENIED)
    const other = { token: second.tenantToken, tenantId: id }
    expect(
      (await test.api.post('/organization/transfer', { member_id: second.memberId }, other)).status,
    ).toBe(422)
    expect((await test.api.post('/organization/transfer', back, other)).status).toBe(200)
    expect((await test.api.get(`/organizations/${id}`, person)).body).toMatchObject({ owner_id: person.id })
    expect(await inCore(test.platform, sql`SELECT FROM membership_changes`)).toEqual([])
  })
})
