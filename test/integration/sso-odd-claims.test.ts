import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  connect,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  signIn,
  startSsoPlatform,
} from '../support/oidc/sso.ts'

let test: SsoPlatform
let idp: HostileProvider
let own: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  idp = await startHostileProvider()
  own = await makeOrganization(test)
  await connect(test, own, idp)
})
afterAll(async () => {
  await idp.close()
  await test.close()
})

const enter = (claims: object) => signIn(test, own.id, idp, { claims: { ...person(own.domain), ...claims } })

it.each([
  ['that holds a NUL', 'ann\u0000'],
  ['that holds half a character', 'ann\ud800'],
  ['that holds a line break', 'ann\n'],
  ['that is not ASCII', 'änn'],
  ['of 256 characters', 'x'.repeat(256)],
  ['of 100,000', 'xy'.repeat(50_000)],
  ['that is empty', ''],
])('O12 a subject is refused %s', async (_, sub) => {
  expect(await enter({ sub })).toMatchObject({ status: 400, body: { code: 'sso-answer-invalid' } })
})

it('takes the longest subject that there may be', async () => {
  expect((await enter({ sub: `${person('').sub}${'x'.repeat(255)}`.slice(-255) })).status).toBe(200)
})

it.each([-1e12, -1e15, -1, 1e12, 8.64e12, 1e300])('O12 auth_time %d is refused', async (time) => {
  const reply = await enter({ auth_time: time })
  expect(reply).toMatchObject({ status: 400, body: { code: 'sso-answer-invalid' } })
})
