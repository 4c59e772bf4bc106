import { randomBytes } from 'node:crypto'

export interface Session {
  readonly token: string
  readonly refreshToken: string
  readonly userId: string
}

export interface CreatedOrganization {
  readonly id: string
  readonly database_name: string
}

interface AuthAnswer {
  readonly access_token: string
  readonly refresh_token: string
  readonly user: { readonly id: string }
}

const PASSWORD = 'correct horse battery staple'
const POLL_MS = 50
const READY_WITHIN_MS = 60_000

/** What somebody signs in with, on the platform or in one organization. */
export interface Credentials {
  readonly email: string
  readonly password: string
  readonly tenantId: string | undefined
}

/** Registers somebody who will sign in. */
export async function registerCredentials(url: string, tenantId?: string): Promise<Credentials> {
  const email = `bench-${randomBytes(6).toString('hex')}@example.com`
  const body = { email, password: PASSWORD, full_name: 'Bench User' }
  await post<AuthAnswer>(`${url}/api/v1/auth/register`, body, tenantHeader(tenantId))
  return { email, password: PASSWORD, tenantId }
}

/** Signs somebody in; with another status than 200 the token is empty. */
export async function login(
  url: string,
  { email, password, tenantId }: Credentials,
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly token: string }> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...tenantHeader(tenantId) },
    body: JSON.stringify({ email, password }),
    ...(signal && { signal }),
  })
  const { access_token: token = '' } = (await response.json()) as Partial<AuthAnswer>
  return { status: response.status, token }
}

/** A new core user, or with `tenantId` a new user of that tenant. */
export async function register(url: string, tenantId?: string): Promise<Session> {
  const email = `bench-${randomBytes(6).toString('hex')}@example.com`
  const body = { email, password: PASSWORD, full_name: 'Bench User' }
  return session(await post<AuthAnswer>(`${url}/api/v1/auth/register`, body, tenantHeader(tenantId)))
}

/** New tokens for an old session: without the price of a password's hash. */
export async function refresh(url: string, { refreshToken }: Session, tenantId: string): Promise<Session> {
  const body = { refresh_token: refreshToken }
  return session(await post<AuthAnswer>(`${url}/api/v1/auth/refresh`, body, tenantHeader(tenantId)))
}

/** A new organization, active when this resolves. */
export async function createOrganization(url: string, owner: Session): Promise<CreatedOrganization> {
  const organizations = `${url}/api/v1/organizations`
  const headers = { authorization: `Bearer ${owner.token}` }
  const name = `Bench ${randomBytes(6).toString('hex')}`
  const created = await post<CreatedOrganization & { status: string }>(organizations, { name }, headers)
  let { status } = created
  for (const deadline = Date.now() + READY_WITHIN_MS; status !== 'active'; ) {
    if (Date.now() > deadline) throw new Error(`organization ${created.id} is ${status}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    const response = await fetch(`${organizations}/${created.id}`, { headers })
    status = ((await response.json()) as { status: string }).status
  }
  return created
}

/** What a tenant's user sends along with a request. */
export function tenantHeaders(tenantId: string, { token }: Pick<Session, 'token'>): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'x-tenant-id': tenantId }
}

function tenantHeader(tenantId: string | undefined): Record<string, string> {
  return tenantId === undefined ? {} : { 'x-tenant-id': tenantId }
}

function session({ access_token, refresh_token, user }: AuthAnswer): Session {
  return { token: access_token, refreshToken: refresh_token, userId: user.id }
}

/** Sends one request and expects success. */
async function post<Answer>(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}
