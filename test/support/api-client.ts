import { randomBytes } from 'node:crypto'
import type { HttpServer } from '../../src/http/index.ts'
import { PASSWORD } from './secrets/index.ts'

export interface ApiReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The body as JSON; what a test reads of it, it also asserts. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads fields of many shapes, and a wrong one fails it.
  readonly body: any
}

export interface ApiCall {
  readonly token?: string | undefined
  readonly tenantId?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The test broke something on purpose, so a 5xx is a fair answer. */
  readonly faulty?: boolean
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request and what came back, for those who look at every one. */
export interface ApiExchange {
  readonly method: Method
  /** Path and query. */
  readonly url: string
  /** What was sent; absent where nothing was. */
  readonly sent?: unknown
  readonly call: ApiCall
  readonly reply: ApiReply
}

export interface SignedInUser {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
}

/** Calls the API as a client would, and knows how to get people and organizations. */
export interface ApiClient {
  get(path: string, call?: ApiCall): Promise<ApiReply>
  post(path: string, body: unknown, call?: ApiCall): Promise<ApiReply>
  put(path: string, body: unknown, call?: ApiCall): Promise<ApiReply>
  patch(path: string, body: unknown, call?: ApiCall): Promise<ApiReply>
  delete(path: string, call?: ApiCall): Promise<ApiReply>
  /** Any address of the server, not only of the API. */
  send(method: Method, url: string, body?: unknown, call?: ApiCall): Promise<ApiReply>
  /** A new core user, or with `tenantId` a new user of that tenant. */
  register(person?: {
    email?: string
    password?: string
    fullName?: string
    tenantId?: string
  }): Promise<SignedInUser>
  login(person: { email: string; password: string }, tenantId?: string): Promise<SignedInUser>
  createOrganization(
    owner: SignedInUser,
    name?: string,
  ): Promise<{ id: string; slug: string; database_name: string }>
}

export { PASSWORD }

let count = 0

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${(++count).toString(36)}-${randomBytes(4).toString('hex')}`
}

/** @param observe sees every exchange before the caller does, and fails it by throwing */
export function createApiClient(
  app: HttpServer,
  observe: (exchange: ApiExchange) => void = () => undefined,
): ApiClient {
  async function send(
    method: Method,
    url: string,
    body: unknown = undefined,
    call: ApiCall = {},
  ): Promise<ApiReply> {
    const response = await app.inject({
      method,
      url,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(call.token !== undefined && { authorization: `Bearer ${call.token}` }),
        ...(call.tenantId !== undefined && { 'x-tenant-id': call.tenantId }),
        ...call.headers,
      },
      ...(body !== undefined && { payload: JSON.stringify(body) }),
    })
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    )
    const isJson = /\bjson\b/.test(headers['content-type'] ?? '')
    const reply = {
      status: response.statusCode,
      headers,
      text: response.body,
      body: isJson ? response.json() : undefined,
    }
    observe({ method, url, sent: body, call, reply })
    return reply
  }

  const client: ApiClient = {
    send,
    get: (path, call) => send('GET', `/api/v1${path}`, undefined, call),
    post: (path, body, call) => send('POST', `/api/v1${path}`, body, call),
    put: (path, body, call) => send('PUT', `/api/v1${path}`, body, call),
    patch: (path, body, call) => send('PATCH', `/api/v1${path}`, body, call),
    delete: (path, call) => send('DELETE', `/api/v1${path}`, undefined, call),
    register: async ({
      email = `${unique('user')}@example.com`,
      password = PASSWORD,
      fullName,
      tenantId,
    } = {}) => {
      const body = { email, password, ...(fullName !== undefined && { full_name: fullName }) }
      return signedIn(await client.post('/auth/register', body, { tenantId }), 201, email, password)
    },
    login: async ({ email, password }, tenantId) =>
      signedIn(await client.post('/auth/login', { email, password }, { tenantId }), 200, email, password),
    createOrganization: async (owner, name = unique('Org')) => {
      const reply = await client.post('/organizations', { name }, { token: owner.token })
      if (reply.status !== 201) throw new Error(`no organization: ${reply.status} ${reply.text}`)
      return reply.body
    },
  }
  return client
}

function signedIn(reply: ApiReply, wanted: number, email: string, password: string): SignedInUser {
  if (reply.status !== wanted) throw new Error(`not signed in: ${reply.status} ${reply.text}`)
  const { user, access_token: token, refresh_token: refreshToken } = reply.body
  return { id: user.id, email, password, token, refreshToken }
}
