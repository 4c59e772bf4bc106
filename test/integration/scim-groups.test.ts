import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { inTenant } from '../support/rows.ts'
import { GROUP, type ScimTenant, scimError, startScim } from '../support/scim.ts'

let test: CheckedPlatform
let tenant: ScimTenant
let ids: readonly string[]
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
  const people = Array.from({ length: 4 }, () => tenant.user(`${unique('g')}@example.com`))
  ids = (await Promise.all(people)).map(({ id }) => id)
})
afterAll(() => test.close())

const members = (...values: readonly (string | undefined)[]) => values.map((value) => ({ value }))
const newGroup = async (attributes: object = {}) =>
  (await tenant.send('POST', '/Groups', { schemas: [GROUP], displayName: unique('Group'), ...attributes }))
    .body
const membersOf = async (id: string): Promise<string[]> => {
  const { body } = await tenant.send('GET', `/Groups/${id}`)
  return (body.members ?? []).map(({ value }: { value: string }) => value).sort()
}

describe('a group', () => {
  it('is made, found, renamed, emptied and deleted', async () => {
    const displayName = unique('Analysts')
    const reply = await tenant.send('POST', '/Groups', {
      schemas: [GROUP],
      displayName,
      externalId: 'g-1',
      members: members(ids[0]),
    })
    const { id } = reply.body
    expect(reply).toMatchObject({
      status: 201,
      body: {
        schemas: [GROUP],
        displayName,
        externalId: 'g-1',
        members: [{ value: ids[0], type: 'User', $ref: `/scim/v2/${tenant.tenantId}/Users/${ids[0]}` }],
        meta: { resourceType: 'Group', version: reply.headers['etag'] },
      },
    })
    const filter = encodeURIComponent(`displayName eq "${displayName.toUpperCase()}"`)
    const found = await tenant.send('GET', `/Groups?filter=${filter}&excludedAttributes=members`)
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id }] })
    expect(found.body.Resources[0]).not.toHaveProperty('members')
    const put = await tenant.send('PUT', `/Groups/${id}`, { displayName: `${displayName} 2`, members: [] })
    expect(put).toMatchObject({ status: 200, body: { displayName: `${displayName} 2`, members: [] } })
    expect(put.body).not.toHaveProperty('externalId')
    const stale = await tenant.send('DELETE', `/Groups/${id}`, undefined, {
      'if-match': reply.body.meta.version,
    })
    expect(stale).toMatchObject(scimError(412))
    expect((await tenant.send('DELETE', `/Groups/${id}`)).status).toBe(204)
    expect(await tenant.send('GET', `/Groups/${id}`)).toMatchObject(scimError(404))
  })

  it('O14 has a name of its own, in whatever case: 409', async () => {
    const { displayName } = await newGroup()
    const twin = { schemas: [GROUP], displayName: displayName.toUpperCase() }
    expect(await tenant.send('POST', '/Groups', twin)).toMatchObject(scimError(409, 'uniqueness'))
    const { id } = await newGroup()
    const renamed = { op: 'replace', path: 'displayName', value: displayName.toLowerCase() }
    expect(await tenant.patch(`/Groups/${id}`, renamed)).toMatchObject(scimError(409, 'uniqueness'))
  })

  it('gives no role', async () => {
    await newGroup({ displayName: 'Owners', members: members(ids[0]) })
    const call = { token: tenant.owner.tenantToken, tenantId: tenant.tenantId }
    expect((await test.api.get(`/members/${ids[0]}`, call)).body.role).toBe('member')
  })

  it('loses who leaves the organization, and its tag tells', async () => {
    const { id } = await tenant.user(`${unique('leaver')}@example.com`)
    const group = await newGroup({ members: members(id, ids[1]) })
    expect((await tenant.send('DELETE', `/Users/${id}`)).status).toBe(204)
    const { body } = await tenant.send('GET', `/Groups/${group.id}`)
    expect(body.members).toMatchObject([{ value: ids[1] }])
    expect(body.meta.version).not.toBe(group.meta.version)
  })

  it('takes and gives members as Entra and Okta say it', async () => {
    const { id } = await newGroup()
    const steps: readonly [object, readonly (string | undefined)[]][] = [
      [{ op: 'Add', path: 'members', value: members(ids[0], ids[1], ids[2]) }, ids.slice(0, 3)],
      [{ op: 'Add', path: 'members', value: members(ids[0]) }, ids.slice(0, 3)],
      [{ op: 'Remove', path: 'members', value: members(ids[0]) }, ids.slice(1, 3)],
      [{ op: 'remove', path: `members[value eq "${ids[1]}"]` }, ids.slice(2, 3)],
      [{ op: 'remove', path: `members[value eq "${ids[1]}"]` }, ids.slice(2, 3)],
      [{ op: 'replace', path: 'members', value: members(ids[3]) }, ids.slice(3)],
      [{ op: 'replace', value: { id, displayName: unique('Renamed') } }, ids.slice(3)],
      [{ op: 'add', value: { members: members(ids[0]) } }, [ids[0], ids[3]]],
      [{ op: 'remove', path: 'members' }, []],
    ]
    for (const [operation, expected] of steps) {
      expect((await tenant.patch(`/Groups/${id}`, operation)).status, JSON.stringify(operation)).toBe(200)
      expect(await membersOf(id), JSON.stringify(operation)).toEqual([...expected].sort())
    }
  })

  it.each([
    [{ op: 'add', path: 'members', value: [{ value: 'nobody' }] }, 'invalidValue'],
    [
      { op: 'add', path: 'members', value: [{ value: '01999999-0000-7000-8000-000000000000' }] },
      'invalidValue',
    ],
    [{ op: 'replace', path: 'members[value eq "x"].value', value: 'y' }, 'mutability'],
    [{ op: 'remove', path: 'members[display co "a"]' }, 'invalidFilter'],
    [{ op: 'remove', path: 'displayName' }, 'invalidValue'],
    [{ op: 'replace', path: '__proto__.polluted', value: 'x' }, 'invalidPath'],
  ])('refuses %j', async (operation, scimType) => {
    const { id } = await newGroup()
    expect(await tenant.patch(`/Groups/${id}`, operation)).toMatchObject(scimError(400, scimType))
  })

  it('loses nobody when 16 add somebody at once', async () => {
    const { id } = await newGroup()
    const people = await Promise.all(
      Array.from({ length: 16 }, () => tenant.user(`${unique('crowd')}@example.com`)),
    )
    await atOnce(16, (index) =>
      tenant.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: members(people[index]?.id) }),
    )
    expect(await membersOf(id)).toHaveLength(16)
  })
})

describe('I14 what is large', () => {
  it('is refused or capped: members, operations, values, bodies', async () => {
    const { id } = await newGroup()
    const many = { op: 'add', path: 'members', value: Array(1001).fill({ value: ids[0] }) }
    expect(await tenant.patch(`/Groups/${id}`, many)).toMatchObject(scimError(413))
    const operations = Array(101).fill({ op: 'replace', path: 'displayName', value: 'x' })
    expect(await tenant.patch(`/Groups/${id}`, ...operations)).toMatchObject(scimError(413))
    const emails = { op: 'add', path: 'emails', value: Array(51).fill({ value: 'a@example.com' }) }
    expect(await tenant.patch(`/Users/${ids[0]}`, emails)).toMatchObject(scimError(413))
    const large = { displayName: 'x'.repeat(300 * 1024) }
    expect(await tenant.send('POST', '/Groups', large)).toMatchObject(scimError(413))
    for (const name of ['ﷺ'.repeat(300), '日'.repeat(400)])
      expect(await tenant.send('POST', '/Groups', { displayName: name })).toMatchObject(
        scimError(400, 'invalidValue'),
      )
    const fat = Object.fromEntries(['title', 'nickName', 'locale'].map((name) => [name, 'é'.repeat(1024)]))
    const addresses = Array.from({ length: 12 }, () => ({ formatted: 'x'.repeat(1024) }))
    const attributes = { userName: 'fat@example.com', ...fat, addresses }
    expect(await tenant.send('POST', '/Users', attributes)).toMatchObject(scimError(413))
  })

  it('is listed in pages of 200, of 10,000 users too', async () => {
    await inTenant(
      test.platform,
      tenant.tenantId,
      sql`INSERT INTO users (id, email) SELECT gen_random_uuid(), 'bulk-' || n || '@example.com' FROM generate_series(1, 10000) n`,
    )
    const { body } = await tenant.send('GET', '/Users?count=10000')
    expect(body).toMatchObject({ itemsPerPage: 200, startIndex: 1 })
    expect(body.totalResults).toBeGreaterThan(10_000)
    expect(body.Resources).toHaveLength(200)
    const last = await tenant.send('GET', `/Users?startIndex=${body.totalResults}&count=5`)
    expect(last.body).toMatchObject({ itemsPerPage: 1, startIndex: body.totalResults })
    const none = await tenant.send('GET', '/Users?startIndex=-5&count=-1')
    expect(none.body).toMatchObject({ itemsPerPage: 0, startIndex: 1, Resources: [] })
  })

  it('ends a page of groups early, and a group at 10,000 members', async () => {
    const [one, two, full] = [await newGroup(), await newGroup(), await newGroup()]
    const fill = (id: string, count: number) =>
      inTenant(
        test.platform,
        tenant.tenantId,
        sql`INSERT INTO scim_group_members (group_id, user_id) SELECT ${id}, id FROM users WHERE email LIKE 'bulk-%' LIMIT ${count}`,
      )
    await fill(one.id, 6000)
    await fill(two.id, 6000)
    const filter = encodeURIComponent(`id eq "${one.id}" or id eq "${two.id}"`)
    const { body } = await tenant.send('GET', `/Groups?filter=${filter}`)
    expect(body).toMatchObject({ totalResults: 2, itemsPerPage: 1, Resources: [{ id: one.id }] })
    const names = await tenant.send('GET', `/Groups?filter=${filter}&attributes=displayName`)
    expect(names.body).toMatchObject({ totalResults: 2, itemsPerPage: 2 })
    await fill(full.id, 10_000)
    const more = { op: 'add', path: 'members', value: members(...ids, tenant.owner.memberId) }
    expect(await tenant.patch(`/Groups/${full.id}`, more)).toMatchObject(scimError(413))
  })
})
