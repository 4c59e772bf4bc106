import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  begin,
  connect,
  end,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  startSsoPlatform,
} from '../support/oidc/sso.ts'

let test: SsoPlatform
let honest: HostileProvider
let evil: HostileProvider
let victims: SsoOrganization
let attackers: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  ;[honest, evil] = await Promise.all([startHostileProvider(), startHostileProvider()])
  victims = await makeOrganization(test)
  attackers = await makeOrganization(test)
  await connect(test, victims, honest)
  await connect(test, attackers, evil)
})
afterAll(async () => {
  await Promise.all([honest.close(), evil.close()])
  await test.close()
})

const redirectOf = (url: string) => new URL(url).searchParams.get('redirect_uri') ?? ''
/** A browser that a provider sends back: to the address that it was asked for, if that is registered for the client. */
const sendBack = (redirectUri: string, query: string) =>
  test.api.send('GET', `${new URL(redirectUri).pathname}?${query}`)

it('O12 IdP mix-up: a code of one organization’s provider never reaches that of another organization', async () => {
  // The attacker begins at both organizations, and so knows both states, and what the victims' provider is to be asked.
  const wanted = await begin(test, victims.id)
  const bait = await begin(test, attackers.id)
  const state = (url: string) => new URL(url).searchParams.get('state') ?? ''
  const link = new URL(wanted.url)
  link.searchParams.set('state', state(bait.url))
  // A victim follows the link. Their provider knows them, knows the client, and does not name itself with its answer.
  honest.statement = { claims: person(victims.domain) }
  const answer = honest.authorize(link.href)
  const returned = await sendBack(redirectOf(wanted.url), answer)
  // Whatever reached the attacker's provider goes into the attempt that the attacker began with the victims'.
  const stolen = evil.redeemed.map((form) => form.get('code') ?? '')
  const entered = await Promise.all(
    stolen.map(async (code) => {
      const query = new URLSearchParams({ code, state: state(wanted.url) })
      return await end(test, wanted, await sendBack(redirectOf(wanted.url), String(query)))
    }),
  )
  expect(entered.map(({ status }) => status)).toEqual([])
  expect(returned).toMatchObject({ status: 400, body: { code: 'sso-attempt-invalid' } })
})

it('O12 each organization has an address of its own for the way back, whose attempts stay good', async () => {
  const [mine, theirs] = [await begin(test, victims.id), await begin(test, attackers.id)]
  expect(redirectOf(mine.url)).not.toBe(redirectOf(theirs.url))
  const shown = await test.api.get('/organization/sso', victims.call)
  expect(shown.body.redirect_uri).toBe(redirectOf(mine.url))
  honest.statement = { claims: person(victims.domain) }
  const query = honest.authorize(mine.url)
  expect((await sendBack(redirectOf(theirs.url), query)).body.code).toBe('sso-attempt-invalid')
  // To come to a wrong address uses nothing up.
  expect(await end(test, mine, await sendBack(redirectOf(mine.url), query))).toMatchObject({ status: 200 })
  expect(honest.redeemed.at(-1)?.get('redirect_uri')).toBe(redirectOf(mine.url))
})
