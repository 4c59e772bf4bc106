import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'

/** What the provider says of somebody, and how it signs that. */
export interface Statement {
  readonly claims?: Readonly<Record<string, unknown>>
  /** Of the header; `none` and `HS256` are made as an attacker would. */
  readonly alg?: string
  /** Signs with a key that it does not publish. */
  readonly isForeign?: boolean
}

/** A provider that says whatever a test wants. Its pages for people are missing: the test answers in their place. */
export interface HostileProvider {
  readonly issuer: string
  /** Over what a decent one says of itself. */
  description: Record<string, unknown>
  /** What the next ID tokens say over what a decent one does; the nonce is the one that was asked for. */
  statement: Statement
  /** Answers in place of a path, where it is set. */
  respond: ((path: string, response: ServerResponse) => boolean) | undefined
  /** The forms that came to the token endpoint. */
  readonly redeemed: URLSearchParams[]
  /** The last ID token. */
  idToken: string
  /** How often each path was asked for. */
  readonly asked: Map<string, number>
  /** Takes an authorization URL as a decent one would; gives the query that the browser comes back with. */
  authorize(authorizationUrl: string, more?: Readonly<Record<string, string>>): string
  close(): Promise<void>
}

export const CLIENT_ID = 'tenantry'
export const CLIENT_SECRET = 'a secret of the client that nobody guesses'

export async function startHostileProvider(): Promise<HostileProvider> {
  const own = await generateKeyPair('ES256', { extractable: true })
  const foreign = await generateKeyPair('ES256')
  const nonces = new Map<string, string>()
  let codes = 0

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const test: HostileProvider = {
    issuer,
    description: {},
    statement: {},
    respond: undefined,
    redeemed: [],
    idToken: '',
    asked: new Map(),
    authorize: (authorizationUrl, more = {}) => {
      const { searchParams } = new URL(authorizationUrl)
      const code = `code-${++codes}`
      nonces.set(code, searchParams.get('nonce') ?? '')
      return String(new URLSearchParams({ code, state: searchParams.get('state') ?? '', ...more }))
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  const makeToken = async (nonce: string): Promise<string> => {
    const { claims = {}, alg = 'ES256', isForeign = false } = test.statement
    const seconds = Math.floor(Date.now() / 1000)
    const decent = { iss: issuer, aud: CLIENT_ID, iat: seconds, exp: seconds + 300, nonce }
    return await sign({ ...decent, ...claims }, alg, isForeign ? foreign.privateKey : own.privateKey)
  }

  const paths: Record<string, (request: IncomingMessage) => Promise<unknown>> = {
    '/.well-known/openid-configuration': async () => ({ ...describe(issuer), ...test.description }),
    '/jwks': async () => ({ keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own', use: 'sig' }] }),
    '/token': async (request) => {
      const form = new URLSearchParams(await textOf(request))
      test.redeemed.push(form)
      test.idToken = await makeToken(nonces.get(form.get('code') ?? '') ?? '')
      return { access_token: 'opaque', token_type: 'Bearer', id_token: test.idToken }
    },
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0] ?? ''
    test.asked.set(path, (test.asked.get(path) ?? 0) + 1)
    if (test.respond?.(path, response)) return
    const body = await paths[path]?.(request)
    response
      .writeHead(body ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(body ?? {}))
  }
  return test
}

function describe(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
    code_challenge_methods_supported: ['S256'],
  }
}

async function sign(claims: Readonly<Record<string, unknown>>, alg: string, key: CryptoKey): Promise<string> {
  const payload = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  if (alg === 'none') return `${encode({ alg })}.${encode(payload)}.`
  const material = alg === 'HS256' ? new TextEncoder().encode(CLIENT_SECRET) : key
  return await new SignJWT(payload).setProtectedHeader({ alg, kid: 'own' }).sign(material)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
