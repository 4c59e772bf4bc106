import { randomBytes } from 'node:crypto'
import { PASSWORD } from '../../support/secrets/index.ts'

export interface ApiReply {
  readonly status: number
  readonly headers: Headers
  /** The body as JSON, `undefined` without one; what a test reads of it, it also asserts. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads fields of many shapes, and a wrong one fails it.
  readonly body: any
}

export interface ApiCall {
  readonly token?: string
  readonly tenantId?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface Person {
  readonly email: string
  readonly password: string
}

/** A person nobody else is. */
export function newPerson(name: string): Person {
  return {
    email: `${name}-${randomBytes(6).toString('hex')}@example.com`,
    password: PASSWORD,
  }
}

/** Sends one request to the API below `/api/v1` of a running server. */
export async function call(
  url: string,
  request: `${'GET' | 'POST' | 'PUT'} /${string}`,
  { token, tenantId, body, headers }: ApiCall = {},
): Promise<ApiReply> {
  const [method = '', path = ''] = request.split(' ')
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(tenantId !== undefined && { 'x-tenant-id': tenantId }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

/** Registers a person on the platform, or with `tenantId` in an organization, and gives the access token. */
export async function register(url: string, person: Person, tenantId?: string): Promise<string> {
  const reply = await call(url, 'POST /auth/register', { body: person, ...(tenantId && { tenantId }) })
  return tokenIn(reply, 201)
}

/** Signs a person in and gives the access token. */
export async function signIn(url: string, person: Person, tenantId?: string): Promise<string> {
  const reply = await call(url, 'POST /auth/login', { body: person, ...(tenantId && { tenantId }) })
  return tokenIn(reply, 200)
}

/** Makes an organization and gives its id. */
export async function createOrganization(url: string, token: string, name: string): Promise<string> {
  const { status, body } = await call(url, 'POST /organizations', { token, body: { name } })
  if (status !== 201) throw new Error(`no organization: ${status} ${JSON.stringify(body)}`)
  return body.id
}

function tokenIn({ status, body }: ApiReply, wanted: number): string {
  if (status !== wanted) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
  return body.access_token
}
