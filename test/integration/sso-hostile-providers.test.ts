import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CLIENT_ID,
  type HostileProvider,
  type Statement,
  startHostileProvider,
} from '../support/oidc/hostile-provider.ts'
import {
  begin,
  comeBack,
  connect,
  end,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  signIn,
  startSsoPlatform,
} from '../support/oidc/sso.ts'

const INVALID = { status: 400, body: { code: 'sso-answer-invalid' } }
const NO_ATTEMPT = { status: 400, body: { code: 'sso-attempt-invalid' } }

let test: SsoPlatform
let idp: HostileProvider
let other: HostileProvider
let own: SsoOrganization
let foreign: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  ;[idp, other] = await Promise.all([startHostileProvider(), startHostileProvider()])
  own = await makeOrganization(test)
  foreign = await makeOrganization(test)
  await connect(test, own, idp)
  await connect(test, foreign, other)
})
afterAll(async () => {
  await Promise.all([idp.close(), other.close()])
  await test.close()
})

const enter = (statement: Statement) => signIn(test, own.id, idp, statement)

it('O12 believes a decent statement, so that each lie below is refused for what it is', async () => {
  expect(await enter({ claims: person(own.domain) })).toMatchObject({ status: 200 })
})

const now = () => Math.floor(Date.now() / 1000)

describe('O12 an ID token is refused', () => {
  it.each<[string, () => Statement]>([
    ['with another nonce', () => ({ claims: { nonce: 'another' } })],
    ['without a nonce', () => ({ claims: { nonce: undefined } })],
    ['for another client', () => ({ claims: { aud: 'another' } })],
    ['for two, of which neither is said to use it', () => ({ claims: { aud: [CLIENT_ID, 'another'] } })],
    ['used by another', () => ({ claims: { aud: [CLIENT_ID, 'another'], azp: 'another' } })],
    ['for us alone, but used by another', () => ({ claims: { azp: 'another' } })],
    ['of another issuer', () => ({ claims: { iss: 'https://accounts.example' } })],
    ['without a subject', () => ({ claims: { sub: undefined } })],
    ['that is over', () => ({ claims: { exp: now() - 600 } })],
    ['that never ends', () => ({ claims: { exp: undefined } })],
    ['of tomorrow', () => ({ claims: { nbf: now() + 86_400 } })],
    ['without a signature', () => ({ alg: 'none' })],
    ['signed with the client secret', () => ({ alg: 'HS256' })],
    ['signed with a key that the provider does not publish', () => ({ isForeign: true })],
  ])('%s', async (_, lie) => {
    const { claims = {}, ...how } = lie()
    expect(await enter({ claims: { ...person(own.domain), ...claims }, ...how })).toMatchObject(INVALID)
  })
})

describe('O12 the way back', () => {
  it('wants a state, of ours, of an organization that there is', async () => {
    const begun = await begin(test, own.id)
    const query = new URLSearchParams(idp.authorize(begun.url))
    const state = query.get('state') ?? ''
    for (const id of [foreign.id, '00000000-0000-7000-8000-000000000000']) {
      query.set('state', state.replace(own.id, id))
      for (const at of [id, own.id]) expect(await comeBack(test, at, String(query))).toMatchObject(NO_ATTEMPT)
    }
    const elsewhere = [state.replace('.', ''), state.slice(0, -1), `${state}x`, begun.attempt, '']
    for (const one of elsewhere) {
      query.set('state', one)
      expect(await comeBack(test, own.id, String(query)), one).toMatchObject(NO_ATTEMPT)
    }
    query.delete('state')
    expect(await comeBack(test, own.id, String(query))).toMatchObject(NO_ATTEMPT)
  })

  it('wants each parameter once, and a code', async () => {
    for (const more of ['&code=another', `&iss=${idp.issuer}&iss=${other.issuer}`]) {
      const begun = await begin(test, own.id)
      const reply = await comeBack(test, own.id, idp.authorize(begun.url) + more)
      expect([400, 422], reply.text).toContain(reply.status)
    }
    const begun = await begin(test, own.id)
    const query = new URLSearchParams(idp.authorize(begun.url))
    query.delete('code')
    expect(await comeBack(test, own.id, String(query))).toMatchObject(INVALID)
  })

  it('refuses the answer of another provider: mix-up', async () => {
    const begun = await begin(test, own.id)
    const sent = idp.redeemed.length
    expect(await comeBack(test, own.id, idp.authorize(begun.url, { iss: other.issuer }))).toMatchObject(
      INVALID,
    )
    expect(idp.redeemed).toHaveLength(sent)
    // A provider that says that it names itself must do so.
    idp.description = { authorization_response_iss_parameter_supported: true }
    await connect(test, own, idp)
    const next = await begin(test, own.id)
    expect(await comeBack(test, own.id, idp.authorize(next.url))).toMatchObject(INVALID)
    const named = await begin(test, own.id)
    expect(await comeBack(test, own.id, idp.authorize(named.url, { iss: idp.issuer }))).toMatchObject(INVALID)
    idp.statement = { claims: person(own.domain) }
    const right = await begin(test, own.id)
    expect(await comeBack(test, own.id, idp.authorize(right.url, { iss: idp.issuer }))).toMatchObject({
      status: 200,
    })
    idp.description = {}
    await connect(test, own, idp)
  })

  it('refuses what began before the connection was changed', async () => {
    const begun = await begin(test, own.id)
    idp.statement = { claims: person(own.domain) }
    const returned = await comeBack(test, own.id, idp.authorize(begun.url))
    const late = await begin(test, own.id)
    await connect(test, own, idp)
    expect(await comeBack(test, own.id, idp.authorize(late.url))).toMatchObject(NO_ATTEMPT)
    expect(await end(test, begun, returned)).toMatchObject(NO_ATTEMPT)
  })

  it('shows the provider the verifier of the challenge', async () => {
    const { createHash } = await import('node:crypto')
    const begun = await begin(test, own.id)
    idp.statement = { claims: person(own.domain) }
    await comeBack(test, own.id, idp.authorize(begun.url))
    const verifier = idp.redeemed.at(-1)?.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    expect(new URL(begun.url).searchParams.get('code_challenge')).toBe(challenge)
  })
})

describe('O12 B10 the end', () => {
  it('belongs to the client that began: neither half is worth anything alone, or with another', async () => {
    const [mine, theirs] = [await begin(test, own.id), await begin(test, own.id)]
    idp.statement = { claims: person(own.domain) }
    const returned = await comeBack(test, own.id, idp.authorize(mine.url))
    expect(await end(test, theirs, returned)).toMatchObject(NO_ATTEMPT)
    const elsewhere = { ...mine, attempt: mine.attempt.replace(own.id, foreign.id) }
    expect(await end(test, elsewhere, returned)).toMatchObject(NO_ATTEMPT)
    for (const code of ['code-1', 'trc_', `trc_${'x'.repeat(43)}`])
      expect(await test.api.post('/auth/sso/token', { attempt: mine.attempt, code })).toMatchObject(
        NO_ATTEMPT,
      )
    expect(await end(test, mine, returned)).toMatchObject({ status: 200 })
    expect(await end(test, mine, returned)).toMatchObject(NO_ATTEMPT)
  })

  it('A7 takes no ID token for an access token', async () => {
    expect((await enter({ claims: person(own.domain) })).status).toBe(200)
    const call = { token: idp.idToken, tenantId: own.id }
    expect(await test.api.get('/users/me', call)).toMatchObject({
      status: 401,
      body: { code: 'invalid-token' },
    })
  })
})
