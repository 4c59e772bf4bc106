import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { addLinked } from '../support/people.ts'
import { newScimTenant, type ScimTenant, scimError, startScim, USER } from '../support/scim.ts'

let test: CheckedPlatform
let tenant: ScimTenant
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
})
afterAll(() => test.close())

const address = () => `${unique('lise')}@example.com`
const isIn = async (token: string) => {
  const { status } = await test.api.get('/users/me', { token, tenantId: tenant.tenantId })
  return status === 200
}
const audit = async (target: string) => {
  const call = { token: tenant.owner.tenantToken, tenantId: tenant.tenantId }
  return (await test.api.get(`/audit?target=${target}`, call)).body.items
}

describe('O14 deactivation', () => {
  it.each([
    ['a PATCH with a path', { op: 'Replace', path: 'active', value: 'False' }],
    ['a PATCH without one', { op: 'replace', value: { active: false } }],
  ])('by %s ends sessions at once, and they do not come back', async (_, operation) => {
    const person = await test.api.register({ tenantId: tenant.tenantId })
    const linked = await addLinked(test, tenant.tenantId)
    for (const [id, token, refreshToken] of [
      [person.id, person.token, person.refreshToken],
      [linked.memberId, linked.tenantToken, linked.tenantRefreshToken],
    ] as const) {
      expect(await isIn(token)).toBe(true)
      const reply = await tenant.patch(`/Users/${id}`, operation)
      expect(reply).toMatchObject({ status: 200, body: { active: false } })
      expect(await isIn(token)).toBe(false)
      const again = await tenant.patch(`/Users/${id}`, { op: 'Replace', path: 'active', value: 'True' })
      expect(again).toMatchObject({ status: 200, body: { active: true } })
      expect(await isIn(token)).toBe(false)
      const refreshed = await test.api.post(
        '/auth/refresh',
        { refresh_token: refreshToken },
        { tenantId: tenant.tenantId },
      )
      expect(refreshed.status).toBe(401)
      expect(await audit(id)).toMatchObject([
        { action: 'member.reactivated', actor: { kind: 'api_key' } },
        { action: 'member.deactivated', actor: { kind: 'api_key' } },
        ...(id === person.id ? [{ action: 'user.registered' }] : []),
      ])
    }
  })

  it('by a PUT or a DELETE too, and the copy of memberships follows', async () => {
    const [one, two] = [await addLinked(test, tenant.tenantId), await addLinked(test, tenant.tenantId)]
    const inactive = { schemas: [USER], userName: one.email, active: false }
    expect((await tenant.send('PUT', `/Users/${one.memberId}`, inactive)).status).toBe(200)
    expect((await tenant.send('DELETE', `/Users/${two.memberId}`)).status).toBe(204)
    for (const person of [one, two]) {
      expect(await isIn(person.tenantToken)).toBe(false)
      expect((await test.api.get('/organizations/me', person)).body).toEqual([])
    }
  })

  it('does not wake somebody up whom a PUT says nothing about', async () => {
    const { id, userName } = await tenant.user(address(), { active: false })
    const reply = await tenant.send('PUT', `/Users/${id}`, { schemas: [USER], userName, title: 'Chemist' })
    expect(reply).toMatchObject({ status: 200, body: { active: false, title: 'Chemist' } })
  })

  it('leaves no session to whoever signs in at that moment', async () => {
    const people = await Promise.all(
      Array.from({ length: 4 }, () => test.api.register({ tenantId: tenant.tenantId })),
    )
    const replies = await atOnce(8, async (index) => {
      const person = people[index % 4] ?? people[0]
      if (!person) throw new Error('nobody')
      if (index < 4)
        return await tenant.patch(`/Users/${person.id}`, { op: 'replace', path: 'active', value: false })
      const { email, password } = person
      return await test.api.post('/auth/login', { email, password }, { tenantId: tenant.tenantId })
    })
    for (const { status, body } of replies.slice(4))
      if (status === 200) expect(await isIn(body.access_token)).toBe(false)
  })
})

describe('O14 races', () => {
  it('of PUT and PATCH do not mix what they say', async () => {
    const { id, userName } = await tenant.user(address())
    const body = (number: number) => ({
      schemas: [USER],
      userName,
      title: `title ${number}`,
      nickName: `nick ${number}`,
    })
    const replies = await atOnce(16, (index) =>
      index % 2 === 0
        ? tenant.send('PUT', `/Users/${id}`, body(index))
        : tenant.patch(`/Users/${id}`, {
            op: 'replace',
            value: { title: `title ${index}`, nickName: `nick ${index}` },
          }),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(200))
    const { body: after } = await tenant.send('GET', `/Users/${id}`)
    expect(after.nickName).toBe(after.title.replace('title', 'nick'))
  })

  it('of 16 PATCHes that each add something lose nothing', async () => {
    const { id } = await tenant.user(address())
    await atOnce(16, (index) =>
      tenant.patch(`/Users/${id}`, { op: 'add', path: 'phoneNumbers', value: [{ value: `+${index}` }] }),
    )
    const { body } = await tenant.send('GET', `/Users/${id}`)
    expect(body.phoneNumbers).toHaveLength(16)
  })

  it('of 16 that make the same user make one', async () => {
    const email = address()
    const replies = await atOnce(16, (index) =>
      tenant.send('POST', '/Users', { schemas: [USER], userName: index % 2 ? email : email.toUpperCase() }),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(15).fill(409)])
  })

  it('of 16 who hold the same entity tag let one through', async () => {
    const { id, meta } = await tenant.user(address())
    const body = (index: number) => ({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'title', value: `t${index}` }],
    })
    const replies = await atOnce(16, (index) =>
      tenant.send('PATCH', `/Users/${id}`, body(index), { 'if-match': meta.version }),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(15).fill(412)])
    const deletion = await tenant.send('DELETE', `/Users/${id}`, undefined, { 'if-match': meta.version })
    expect(deletion).toMatchObject(scimError(412))
    expect(await tenant.send('PUT', `/Users/${id}`, {}, { 'if-match': 'nonsense' })).toMatchObject(
      scimError(400, 'invalidSyntax'),
    )
  })
})

describe('one organization', () => {
  it('O14 is closed to the key of another, and to other tokens: 401', async () => {
    const other = await newScimTenant(test)
    const theirs = await other.user(address(), { title: test.plant(other.tenantId) })
    const core = tenant.founder.token
    const nobody = '01999999-0000-7000-8000-000000000000'
    for (const token of [tenant.key, core, other.owner.tenantToken, 'tnk_nonsense', `${other.key}x`])
      for (const path of ['/Users', `/Users/${theirs.id}`, '/Groups', '/Users?filter=active%20eq%20true'])
        expect(
          await test.api.send('GET', `/scim/v2/${other.tenantId}${path}`, undefined, { token }),
        ).toMatchObject(scimError(401))
    for (const id of [nobody, 'nonsense', `${tenant.tenantId}x`, tenant.tenantId.toUpperCase()])
      expect(
        await test.api.send('GET', `/scim/v2/${id}/Users`, undefined, { token: tenant.key }),
      ).toMatchObject(scimError(401))
    expect(await tenant.send('GET', `/Users/${theirs.id}`)).toMatchObject(scimError(404))
    expect(await tenant.patch(`/Users/${theirs.id}`, { op: 'remove', path: 'title' })).toMatchObject(
      scimError(404),
    )
    const member = { displayName: unique('g'), members: [{ value: theirs.id }] }
    expect(await tenant.send('POST', '/Groups', member)).toMatchObject(scimError(400, 'invalidValue'))
  })

  it('does not take the tenant header for what it is', async () => {
    const other = await newScimTenant(test)
    const call = { token: tenant.key, tenantId: other.tenantId }
    const { body } = await test.api.send('GET', `/scim/v2/${tenant.tenantId}/Users?count=1`, undefined, call)
    expect(body.Resources[0].id).toBe(tenant.owner.memberId)
  })
})
