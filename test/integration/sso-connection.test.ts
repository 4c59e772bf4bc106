import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  begin,
  comeBack,
  connect,
  makeOrganization,
  person,
  redirectUri,
  type SsoOrganization,
  type SsoPlatform,
  signIn,
  startSsoPlatform,
} from '../support/oidc/sso.ts'

const PAGES = ['https://app.example/sso', 'https://app.example/other?x=1']

let test: SsoPlatform
let idp: HostileProvider
let own: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  idp = await startHostileProvider()
  own = await makeOrganization(test)
})
afterAll(async () => {
  await idp.close()
  await test.close()
})
beforeEach(() => {
  idp.description = {}
  idp.respond = undefined
})

it('is shown without its secret, which stays with the client that it was given for', async () => {
  const path = '/organization/sso'
  expect((await test.api.get(path, own.call)).status).toBe(404)
  const put = await connect(test, own, idp)
  expect(put.body).toMatchObject({
    issuer: idp.issuer,
    client_authentication: 'secret',
    default_role: 'member',
    redirect_uri: redirectUri(own.id),
  })
  expect((await test.api.get(path, own.call)).body).toEqual(put.body)
  const kept = { issuer: idp.issuer, client_id: 'tenantry' }
  expect((await test.api.put(path, kept, own.call)).body.client_authentication).toBe('secret')
  const other = await startHostileProvider()
  const moved = await test.api.put(path, { ...kept, issuer: other.issuer }, own.call)
  await other.close()
  expect(moved.body.client_authentication).toBe('none')
  expect((await test.api.put(path, { ...kept, client_secret: null }, own.call)).body.id).toBe(put.body.id)
  expect((await test.api.delete(path, own.call)).status).toBe(204)
  expect(await test.api.post('/auth/sso/start', {}, { tenantId: own.id })).toMatchObject({
    status: 404,
    body: { code: 'sso-not-configured' },
  })
})

it('is refused to members, and makes no owners', async () => {
  const { token } = await test.api.register({ tenantId: own.id })
  expect((await connect(test, { call: { token, tenantId: own.id } }, idp)).status).toBe(403)
  expect((await connect(test, own, idp, { default_role: 'owner' })).status).toBe(422)
})

describe('a provider that cannot be used is refused in a word', () => {
  it.each([
    ['issuer-mismatch', { issuer: 'https://accounts.example' }],
    ['no-pkce', { code_challenge_methods_supported: ['plain'] }],
    ['no-signing-algorithm', { id_token_signing_alg_values_supported: ['HS256', 'none'] }],
    ['no-code-flow', { response_types_supported: ['id_token'] }],
    ['no-code-flow', { token_endpoint: undefined }],
    ['no-code-flow', { authorization_endpoint: 'javascript:alert(document.domain)//' }],
    ['no-keys', { jwks_uri: undefined }],
  ])('%s', async (reason, description) => {
    idp.description = description
    // The library itself finds that issuers differ.
    const expected = reason === 'issuer-mismatch' ? expect.stringMatching(/issuer|COMPARISON/) : reason
    expect(await connect(test, own, idp)).toMatchObject({
      status: 422,
      body: { code: 'sso-issuer-unusable', reason: expected },
    })
  })

  it('unreachable, and what is no issuer', async () => {
    const nobody = { issuer: 'http://127.0.0.1:9' }
    expect((await connect(test, own, nobody)).body.reason).toBe('unreachable')
    const invalid = ['ftp://x.example', 'https://x.example?y', 'https://u@x.example', 'javascript:alert(1)']
    for (const issuer of [...invalid, `${idp.issuer}/.well-known/openid-configuration`])
      expect((await connect(test, own, { issuer })).body, issuer).toMatchObject({ code: 'validation-failed' })
    expect((await connect(test, own, { issuer: 'http://192.0.2.1.example.invalid' })).status).toBe(422)
  })
})

describe('a provider that fails', () => {
  const asJson = (response: ServerResponse, status: number, body: string) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)

  it.each<[string, number, (response: ServerResponse) => void]>([
    ['answers what is no JSON', 502, (response) => asJson(response, 200, '<html>')],
    ['answers 500', 502, (response) => asJson(response, 500, '{}')],
    ['sends elsewhere', 502, (response) => response.writeHead(302, { location: '/jwks' }).end()],
    ['answers without end', 502, (response) => asJson(response, 200, `"${'x'.repeat(600_000)}"`)],
    ['hangs up', 503, (response) => response.destroy()],
    ['refuses the client', 502, (response) => asJson(response, 401, '{"error":"invalid_client"}')],
    [
      'asks for another authentication',
      502,
      (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    ],
    ['does not know the code', 400, (response) => asJson(response, 400, '{"error":"invalid_grant"}')],
  ])('%s: %i', async (_, status, respond) => {
    await connect(test, own, idp)
    const begun = await begin(test, own.id)
    idp.respond = (path, response) => {
      if (path === '/token') respond(response)
      return path === '/token'
    }
    const reply = await comeBack(test, own.id, idp.authorize(begun.url), { faulty: true })
    expect(reply.status, reply.text).toBe(status)
  })

  it('is of its own organization alone, and comes back', async () => {
    await connect(test, own, idp)
    const other = await makeOrganization(test)
    const good = await startHostileProvider()
    await connect(test, other, good)
    idp.respond = (_, response) => Boolean(response.destroy())
    const start = await test.api.post('/auth/sso/start', {}, { tenantId: own.id, faulty: true })
    expect(start).toMatchObject({ status: 503, body: { code: 'identity-provider-unavailable' } })
    const reply = await signIn(test, other.id, good, { claims: person(other.domain) })
    await good.close()
    expect(reply.status).toBe(200)
  })

  it('is asked once for what it says of itself, however many begin at once', async () => {
    await connect(test, own, idp)
    const path = '/.well-known/openid-configuration'
    const before = idp.asked.get(path) ?? 0
    await Promise.all(Array.from({ length: 16 }, () => begin(test, own.id)))
    expect((idp.asked.get(path) ?? 0) - before).toBe(1)
  })
})

it('sends the browser on to pages that the operator allows, and to no other', async () => {
  const pages = await startSsoPlatform({ env: { SSO_RETURN_URLS: PAGES.join(', ') } })
  try {
    const organization = await makeOrganization(pages)
    await connect(pages, organization, idp)
    const call = { tenantId: organization.id }
    for (const return_url of [
      'https://evil.example/',
      `${PAGES[0]}/x`,
      `${PAGES[0]}#`,
      'https://app.example',
    ])
      expect((await pages.api.post('/auth/sso/start', { return_url }, call)).status, return_url).toBe(422)
    for (const return_url of [undefined, ...PAGES]) {
      const begun = await begin(pages, organization.id, return_url === undefined ? {} : { return_url })
      idp.statement = { claims: person(organization.domain) }
      const query = idp.authorize(begun.url)
      const { status, headers } = await comeBack(pages, organization.id, query)
      expect(status).toBe(303)
      const [page, fragment] = String(headers['location']).split('#')
      expect(page).toBe(return_url ?? PAGES[0])
      const code = new URLSearchParams(fragment).get('code')
      const body = { attempt: begun.attempt, code }
      expect((await pages.api.post('/auth/sso/token', body)).status).toBe(200)
    }
    const begun = await begin(pages, organization.id)
    idp.statement = { alg: 'none' }
    const { headers } = await comeBack(pages, organization.id, idp.authorize(begun.url))
    expect(headers['location']).toBe(`${PAGES[0]}#error=sso-answer-invalid`)
  } finally {
    await pages.close()
  }
})
