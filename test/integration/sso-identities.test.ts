import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiReply } from '../support/api-client.ts'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  comeBack,
  connect,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  signIn,
  startSsoPlatform,
} from '../support/oidc/sso.ts'
import { addLinked } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

const refusal = (status: number, code: string) => ({ status, body: { code } })

let test: SsoPlatform
let idp: HostileProvider
let other: HostileProvider
let own: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  ;[idp, other] = await Promise.all([startHostileProvider(), startHostileProvider()])
  own = await makeOrganization(test)
  await connect(test, own, idp)
})
afterAll(async () => {
  await Promise.all([idp.close(), other.close()])
  await test.close()
})

const enter = (claims: object) => signIn(test, own.id, idp, { claims: { ...claims } })

describe('O12 who joins', () => {
  it('has an address that the provider confirmed', async () => {
    for (const email_verified of [false, undefined, 'true', 1])
      expect(await enter(person(own.domain, { email_verified }))).toMatchObject(
        refusal(403, 'sso-email-unverified'),
      )
    expect(await enter(person(own.domain, { email: undefined }))).toMatchObject(
      refusal(403, 'sso-email-unverified'),
    )
  })

  it('O13 has one of a domain that the organization has shown to be its own', async () => {
    const claimed = 'claimed-only.example'
    await test.api.post('/organization/domains', { domain: claimed }, own.call)
    const foreign = await makeOrganization(test)
    for (const domain of [claimed, foreign.domain, `sub.${own.domain}`, 'gmail.com'])
      expect(await enter(person(domain)), domain).toMatchObject(refusal(403, 'sso-domain-unverified'))
  })

  it('is not the owner of an address that somebody has an account with', async () => {
    const local = await test.api.register({ tenantId: own.id, email: `local@${own.domain}` })
    const reply = await enter(person(own.domain, { email: 'LOCAL@'.concat(own.domain) }))
    expect(reply).toMatchObject(refusal(409, 'sso-account-exists'))
    const linked = await addLinked(test, own.id, 'admin')
    const address = `linked@${own.domain}`
    await inTenant(
      test.platform,
      own.id,
      sql`UPDATE users SET email = ${address} WHERE id = ${linked.memberId}`,
    )
    expect(await enter(person(own.domain, { email: address }))).toMatchObject(
      refusal(409, 'sso-account-exists'),
    )
    expect((await test.api.login(local, own.id)).id).toBe(local.id)
  })

  it('takes the place that the organization made for the address, once', async () => {
    const [id, email] = [newId(), `made@${own.domain}`]
    await inTenant(
      test.platform,
      own.id,
      sql`INSERT INTO users (id, email, role) VALUES (${id}, ${email}, 'admin')`,
    )
    const first = await enter(person(own.domain, { email }))
    expect(first.body.user.id).toBe(id)
    // The address may be given to somebody else one day.
    expect(await enter(person(own.domain, { email }))).toMatchObject(refusal(409, 'sso-account-exists'))
  })

  it('joins where registration is closed, and not past the allowed domains', async () => {
    await test.api.patch('/organization', { registration: 'closed' }, own.call)
    expect((await enter(person(own.domain))).status).toBe(200)
    await test.api.patch('/organization', { allowed_email_domains: ['else.example'] }, own.call)
    expect(await enter(person(own.domain))).toMatchObject(refusal(403, 'email-domain-not-allowed'))
    const open = { registration: 'open', allowed_email_domains: [] }
    await test.api.patch('/organization', open, own.call)
  })

  it('has the role of the connection, and no name that we would not take', async () => {
    await connect(test, own, idp, { default_role: 'admin' })
    const reply = await enter(person(own.domain, { name: 'a\u0000b' }))
    expect(reply.body.user.full_name).toBeNull()
    const call = { token: reply.body.access_token, tenantId: own.id }
    expect((await test.api.get('/members', call)).status).toBe(200)
    await connect(test, own, idp)
  })
})

it('O12 the same subject at another provider is somebody else', async () => {
  const someone = person(own.domain)
  const first = await enter(someone)
  await connect(test, own, other)
  const at = (claims: object) => signIn(test, own.id, other, { claims: { ...claims } })
  expect(await at(someone)).toMatchObject(refusal(409, 'sso-account-exists'))
  const reply = await at({ ...someone, email: `other-${someone.email}` })
  expect(reply.status).toBe(200)
  expect(reply.body.user.id).not.toBe(first.body.user.id)
  await connect(test, own, idp)
  expect((await enter({ sub: someone.sub })).body.user.id).toBe(first.body.user.id)
})

describe('linking', () => {
  /** Links the account of a token to whom the provider names. */
  async function link(token: string, claims: object): Promise<ApiReply> {
    const call = { token, tenantId: own.id }
    const begun = await test.api.post('/auth/sso/link', {}, call)
    if (begun.status !== 201) return begun
    idp.statement = { claims: { ...claims } }
    const returned = await comeBack(test, own.id, idp.authorize(begun.body.authorization_url))
    const ending = { attempt: begun.body.attempt, code: returned.body.code }
    // It links, and signs nobody in.
    expect((await test.api.post('/auth/sso/token', ending)).status).toBe(400)
    return await test.api.post('/auth/sso/link/complete', ending, call)
  }

  it('is how people who have an account get in, linked ones and owners too', async () => {
    const local = await test.api.register({ tenantId: own.id })
    const linked = await addLinked(test, own.id)
    const people = [
      [local.token, local.id],
      [linked.tenantToken, linked.memberId],
      [own.call.token, undefined],
    ] as const
    for (const [token, id] of people) {
      const someone = person('anywhere.example', { email_verified: false })
      expect((await link(token, someone)).status).toBe(204)
      const reply = await enter(someone)
      expect(reply.status, reply.text).toBe(200)
      if (id !== undefined) expect(reply.body.user.id).toBe(id)
    }
  })

  it('wants a recent proof, and an identity that nobody has', async () => {
    const [one, two] = [
      await test.api.register({ tenantId: own.id }),
      await test.api.register({ tenantId: own.id }),
    ]
    const someone = person(own.domain)
    expect((await link(one.token, someone)).status).toBe(204)
    expect(await link(two.token, someone)).toMatchObject(refusal(409, 'sso-identity-taken'))
    await inTenant(
      test.platform,
      own.id,
      sql`UPDATE sessions SET authenticated_at = now() - interval '1 hour'`,
    )
    expect(await link(one.token, person(own.domain))).toMatchObject(refusal(403, 'step-up-required'))
    own = { ...own, call: { ...own.call, token: (await test.api.login(own.owner, own.id)).token } }
  })

  it('B10 is ended by whoever began it', async () => {
    const [one, two] = [
      await test.api.register({ tenantId: own.id }),
      await test.api.register({ tenantId: own.id }),
    ]
    const begun = await test.api.post('/auth/sso/link', {}, { token: one.token, tenantId: own.id })
    idp.statement = { claims: person(own.domain) }
    const { code } = (await comeBack(test, own.id, idp.authorize(begun.body.authorization_url))).body
    const ending = { attempt: begun.body.attempt, code }
    const finish = (token: string) =>
      test.api.post('/auth/sso/link/complete', ending, { token, tenantId: own.id })
    expect(await finish(two.token)).toMatchObject(refusal(400, 'sso-attempt-invalid'))
    expect((await finish(one.token)).status).toBe(204)
  })
})
