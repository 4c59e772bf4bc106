import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { atOnce } from '../support/at-once.ts'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  begin,
  comeBack,
  connect,
  end,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  startSsoPlatform,
} from '../support/oidc/sso.ts'
import { USER } from '../support/scim.ts'

let test: SsoPlatform
let idp: HostileProvider
let own: SsoOrganization
let key: string
beforeAll(async () => {
  test = await startSsoPlatform()
  idp = await startHostileProvider()
  own = await makeOrganization(test)
  await connect(test, own, idp)
  ;({ key } = await makeKey(test, own.call, ['directory.provision']))
})
afterAll(async () => {
  await idp.close()
  await test.close()
})

/** A user of the directory, without any way in yet. */
async function provision(userName: string): Promise<string> {
  const body = { schemas: [USER], userName }
  const headers = { 'content-type': 'application/scim+json' }
  const made = await test.api.send('POST', `/scim/v2/${own.id}/Users`, body, { token: key, headers })
  expect(made.status, made.text).toBe(201)
  return made.body.id
}

/** Comes as far as the end, which is left to do. */
async function arrive(claims: object): Promise<() => ReturnType<typeof end>> {
  const begun = await begin(test, own.id)
  idp.statement = { claims: { ...claims } }
  const returned = await comeBack(test, own.id, idp.authorize(begun.url))
  return () => end(test, begun, returned)
}

it('whom the directory made gets in by two windows at once, as one', async () => {
  for (let round = 0; round < 5; round++) {
    const claims = person(own.domain)
    const id = await provision(claims.email)
    const windows = [await arrive(claims), await arrive(claims)]
    const replies = await atOnce(2, (index) => (windows[index] as () => ReturnType<typeof end>)())
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    expect(replies.map(({ body }) => body.user.id)).toEqual([id, id])
  }
})

it('O12 of two identities that come at once with one address, one takes the place', async () => {
  for (let round = 0; round < 5; round++) {
    const claims = person(own.domain)
    await provision(claims.email)
    const windows = [await arrive(claims), await arrive({ ...claims, sub: unique('other') })]
    const replies = await atOnce(2, (index) => (windows[index] as () => ReturnType<typeof end>)())
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409])
  }
})
