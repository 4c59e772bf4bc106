import { randomBytes } from 'node:crypto'

export interface Session {
  readonly token: string
  readonly userId: string
}

const PASSWORD = 'correct horse battery staple'

/** Sends one request and expects success. */
export async function send<Answer>(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}

/** A new core user, or with `tenantId` a new user of that tenant. */
export async function register(url: string, tenantId?: string): Promise<Session> {
  const email = `bench-${randomBytes(6).toString('hex')}@example.com`
  const headers = tenantId === undefined ? {} : { 'x-tenant-id': tenantId }
  const answer = await send<{ access_token: string; user: { id: string } }>(
    `${url}/api/v1/auth/register`,
    { email, password: PASSWORD, full_name: 'Bench User' },
    headers,
  )
  return { token: answer.access_token, userId: answer.user.id }
}

export interface CreatedOrganization {
  readonly id: string
  readonly database_name: string
}

export async function createOrganization(url: string, owner: Session): Promise<CreatedOrganization> {
  const name = `Bench ${randomBytes(6).toString('hex')}`
  return await send(`${url}/api/v1/organizations`, { name }, { authorization: `Bearer ${owner.token}` })
}
