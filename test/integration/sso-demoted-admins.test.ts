import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  connect,
  makeOrganization,
  type SsoOrganization,
  type SsoPlatform,
  startSsoPlatform,
} from '../support/oidc/sso.ts'
import { addLinked } from '../support/people.ts'

const REFUSED = { status: 403, body: { code: 'permission-denied' } }

let test: SsoPlatform
let honest: HostileProvider
let evil: HostileProvider
let own: SsoOrganization
/** What the platform waits for: a name server or a provider that an admin who is about to go may have chosen. */
let whileAsked: (() => Promise<void>) | undefined
beforeAll(async () => {
  test = await startSsoPlatform({
    resolveTxt: async (name) => {
      await whileAsked?.()
      return test.records.get(name) ?? []
    },
  })
  ;[honest, evil] = await Promise.all([startHostileProvider(), startHostileProvider()])
  own = await makeOrganization(test)
  await connect(test, own, honest)
})
afterAll(async () => {
  await Promise.all([honest.close(), evil.close()])
  await test.close()
})

async function newAdmin() {
  const admin = await addLinked(test, own.id, 'admin')
  return { memberId: admin.memberId, call: { token: admin.tenantToken, tenantId: own.id } }
}

const demote = async (memberId: string) => {
  const reply = await test.api.patch(`/members/${memberId}`, { role: 'member' }, own.call)
  expect(reply.status, reply.text).toBe(200)
}

it('M3 an admin who is demoted while a provider of theirs takes its time does not become the door', async () => {
  const { memberId, call } = await newAdmin()
  const asked = Promise.withResolvers<ServerResponse>()
  evil.respond = (_, response) => {
    asked.resolve(response)
    return true
  }
  const putting = connect(test, { call }, evil, { default_role: 'admin' })
  const response = await asked.promise
  evil.respond = undefined
  await demote(memberId)
  const description = await (await fetch(`${evil.issuer}/.well-known/openid-configuration`)).text()
  response.writeHead(200, { 'content-type': 'application/json' }).end(description)
  expect(await putting).toMatchObject(REFUSED)
  expect((await test.api.get('/organization/sso', own.call)).body.issuer).toBe(honest.issuer)
})

it('M3 an admin who is demoted while name servers take their time verifies no domain', async () => {
  const { memberId, call } = await newAdmin()
  const claimed = await test.api.post('/organization/domains', { domain: `${unique('evil')}.example` }, call)
  const { id, record } = claimed.body
  test.records.set(record.name, [record.value])
  whileAsked = () => demote(memberId)
  const verified = await test.api.post(`/organization/domains/${id}/verify`, undefined, call)
  whileAsked = undefined
  expect(verified).toMatchObject(REFUSED)
  const { body } = await test.api.get('/organization/domains', own.call)
  expect(body.find((domain: { id: string }) => domain.id === id).verified_at).toBeNull()
})
