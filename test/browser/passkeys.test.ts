import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, createOrganization, newPerson, register } from '../acceptance/support/api.ts'
import { type Server, Workspace } from '../acceptance/support/workspace.ts'
import { hasBrowser, launchBrowser } from './support/browser.ts'

/** Where the page lies: browsers have no passkeys for the address 127.0.0.1. */
const ORIGIN = 'http://localhost:4173'

describe.skipIf(!hasBrowser)('passkeys in a browser', { timeout: 90_000 }, () => {
  let place: Workspace
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    place = await Workspace.create()
    const [started, launched] = await Promise.all([place.serve({ PASSKEY_ORIGINS: ORIGIN }), launchBrowser()])
    server = started
    browser = launched
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await place[Symbol.asyncDispose]()
  })

  /** A page of a product, whose calls of the API reach the server, in a browser with an authenticator. */
  async function openProduct() {
    const page = await browser.newPage()
    await page.route(`${ORIGIN}/**`, async (route) => {
      const { pathname } = new URL(route.request().url())
      if (pathname === '/')
        return await route.fulfill({ contentType: 'text/html', body: '<title>A product</title>' })
      const response = await route.fetch({ url: `${server.url}${pathname}` })
      return await route.fulfill({ response })
    })
    await page.goto(ORIGIN)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const options = {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    } as const
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options })
    const setVerified = (isUserVerified: boolean) =>
      devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    return { page, setVerified, [Symbol.asyncDispose]: () => page.close() }
  }

  it('one that is made there signs in, to the platform and to an organization', async () => {
    const person = newPerson('passkey')
    const token = await register(server.url, person)
    const tenantId = await createOrganization(server.url, token, 'Keys')
    await using product = await openProduct()
    const { page } = product
    const headers = { authorization: `Bearer ${token}` }
    const made = await inPage(page, 'create', '/auth/mfa/passkeys/options', '/auth/mfa/passkeys', headers)
    expect(made).toMatchObject({ status: 201, body: { name: expect.stringContaining('Chrom') } })
    const login = (more: Readonly<Record<string, string>> = {}) =>
      inPage(page, 'get', '/auth/passkeys/options', '/auth/passkeys/login', more)
    expect(await login()).toMatchObject({
      status: 200,
      body: { user: { email: person.email }, scope: 'core' },
    })
    const inside = await login({ 'x-tenant-id': tenantId })
    expect(inside).toMatchObject({ status: 200, body: { tenant_id: tenantId, user: { is_owner: true } } })
    const { body } = await call(server.url, 'GET /auth/mfa', { token: inside.body.access_token, tenantId })
    expect(body).toMatchObject({ factors: [{ kind: 'passkey' }], managed_on_platform: true })
  })

  it('makes no second one in the same authenticator, and none without looking who is there', async () => {
    const token = await register(server.url, newPerson('again'))
    const headers = { authorization: `Bearer ${token}` }
    await using product = await openProduct()
    const { page, setVerified } = product
    const make = () => inPage(page, 'create', '/auth/mfa/passkeys/options', '/auth/mfa/passkeys', headers)
    await setVerified(false)
    await expect(make()).rejects.toThrow('NotAllowedError')
    await setVerified(true)
    expect((await make()).status).toBe(201)
    await expect(make()).rejects.toThrow('InvalidStateError')
  })
})

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test reads fields of many shapes, and a wrong one fails it.
  readonly body: any
}

/** Asks for options, lets the browser make or use a passkey, and sends what it gives. */
async function inPage(
  page: Page,
  method: 'create' | 'get',
  optionsPath: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const parse = method === 'create' ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
  // As text, because it runs in the browser, whose globals are not those of the tests.
  return await page.evaluate(`(async () => {
    const headers = ${JSON.stringify(headers)}
    const options = await (await fetch('/api/v1${optionsPath}', { method: 'POST', headers })).json()
    const publicKey = PublicKeyCredential.${parse}(options)
    const credential = await navigator.credentials.${method}({ publicKey })
    const response = await fetch('/api/v1${path}', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ response: credential.toJSON() }),
    })
    return { status: response.status, body: await response.json() }
  })()`)
}
