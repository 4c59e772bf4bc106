import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiReply, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import {
  makeOrganization,
  type SsoOrganization,
  type SsoPlatform,
  startSsoPlatform,
} from '../support/oidc/sso.ts'

let test: SsoPlatform
let one: SsoOrganization
let two: SsoOrganization
let fault: Error | undefined
beforeAll(async () => {
  const records = new Map<string, string[]>()
  const resolveTxt = async (name: string) => {
    if (fault) throw fault
    return records.get(name) ?? []
  }
  test = { ...(await startSsoPlatform({ resolveTxt })), records }
  one = await makeOrganization(test)
  two = await makeOrganization(test)
})
afterAll(() => test.close())

const claim = (domain: string, { call }: SsoOrganization): Promise<ApiReply> =>
  test.api.post('/organization/domains', { domain }, call)
const verify = (id: string, { call }: SsoOrganization): Promise<ApiReply> =>
  test.api.post(`/organization/domains/${id}/verify`, undefined, call)
const remove = (id: string, { call }: SsoOrganization): Promise<ApiReply> =>
  test.api.delete(`/organization/domains/${id}`, call)

it('O13 two may claim a domain, and one may show that it is theirs', async () => {
  const domain = `${unique('both')}.example`
  const [mine, theirs] = [(await claim(domain, one)).body, (await claim(domain, two)).body]
  expect(mine.record.name).toBe(`_tenantry-challenge.${domain}`)
  expect(mine.record.value).not.toBe(theirs.record.value)
  test.records.set(mine.record.name, ['v=spf1 -all', mine.record.value])
  expect(await verify(theirs.id, two)).toMatchObject({ status: 409, body: { code: 'domain-unproven' } })
  expect(await verify(mine.id, one)).toMatchObject({ status: 200, body: { domain } })
  test.records.set(mine.record.name, [theirs.record.value])
  expect(await verify(theirs.id, two)).toMatchObject({ status: 409, body: { code: 'domain-taken' } })
  await remove(mine.id, one)
  expect((await verify(theirs.id, two)).status).toBe(200)
})

it('O13 of two who show it at the same moment one does', async () => {
  const domain = `${unique('race')}.example`
  const claims = [(await claim(domain, one)).body, (await claim(domain, two)).body]
  test.records.set(
    `_tenantry-challenge.${domain}`,
    claims.map(({ record }) => record.value),
  )
  const replies = await atOnce(16, (index) => verify(claims[index % 2].id, index % 2 === 0 ? one : two))
  const codes = [replies.filter((_, index) => index % 2 === 0), replies.filter((_, index) => index % 2 === 1)]
  const statuses = codes.map((list) => [...new Set(list.map(({ status }) => status))])
  expect(statuses.toSorted()).toEqual([[200], [409]])
})

it('B10 shows and touches no claim of another organization', async () => {
  const { id } = (await claim(`${unique('own')}.example`, one)).body
  expect((await verify(id, two)).status).toBe(404)
  expect((await remove(id, two)).status).toBe(404)
  const { body } = await test.api.get('/organization/domains', two.call)
  expect(body.map((listed: { id: string }) => listed.id)).not.toContain(id)
  expect((await remove(id, one)).status).toBe(204)
})

it('takes domains, in one form, once', async () => {
  const name = unique('bücher').replaceAll('_', '-')
  const first = await claim(`${name.toUpperCase()}.Example`, one)
  expect(first.body.domain).toMatch(/^xn--[a-z0-9-]+\.example$/)
  expect(await claim(`${name}.example`, one)).toMatchObject({ status: 409, body: { code: 'domain-claimed' } })
  for (const domain of ['localhost', '127.0.0.1', 'a b.example', 'x@y.example', '*.example', '.example'])
    expect((await claim(domain, one)).status, domain).toBe(422)
})

it('name servers that do not answer prove nothing, and are no fault of ours', async () => {
  const { id } = (await claim(`${unique('slow')}.example`, one)).body
  fault = Object.assign(new Error('queryTxt ETIMEOUT'), { code: 'ETIMEOUT' })
  const call = { ...one.call, faulty: true }
  const reply = await test.api.post(`/organization/domains/${id}/verify`, undefined, call)
  fault = undefined
  expect(reply).toMatchObject({ status: 503, body: { code: 'dns-unavailable' } })
})
