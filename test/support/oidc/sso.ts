import type { ResolveTxt } from '../../../src/sso/index.ts'
import { type ApiCall, type ApiReply, type SignedInUser, unique } from '../api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../checked-platform.ts'
import type { TestPlatformOptions } from '../platform.ts'
import { CLIENT_ID, CLIENT_SECRET, type HostileProvider, type Statement } from './hostile-provider.ts'

/** Where an organization's provider sends the browser back to: the default of a platform without PUBLIC_URL. */
export function redirectUri(tenantId: string): string {
  return `http://127.0.0.1:8000/api/v1/auth/sso/callback/${tenantId}`
}

/** A platform whose name servers are a table of the test. */
export interface SsoPlatform extends CheckedPlatform {
  /** TXT records by name. */
  readonly records: Map<string, string[]>
}

export async function startSsoPlatform(options: Omit<TestPlatformOptions, 'log'> = {}): Promise<SsoPlatform> {
  const records = new Map<string, string[]>()
  const resolveTxt: ResolveTxt = async (name) => records.get(name) ?? []
  return { ...(await startCheckedPlatform({ resolveTxt, ...options })), records }
}

/** An organization that has shown that a domain is its own. */
export interface SsoOrganization {
  readonly id: string
  readonly domain: string
  /** Signed in to the platform. */
  readonly owner: SignedInUser
  /** As the owner, in the organization. */
  readonly call: ApiCall & { readonly token: string }
}

export async function makeOrganization(test: SsoPlatform): Promise<SsoOrganization> {
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  const { token } = await test.api.login(owner, id)
  const call = { token, tenantId: id }
  const domain = `${unique('corp')}.example`
  await verifyDomain(test, call, domain)
  return { id, domain, owner, call }
}

/** Claims a domain, publishes its record, and shows it. */
export async function verifyDomain(test: SsoPlatform, call: ApiCall, domain: string): Promise<ApiReply> {
  const claimed = await test.api.post('/organization/domains', { domain }, call)
  const { id, record } = claimed.body
  test.records.set(record.name, [record.value])
  return await test.api.post(`/organization/domains/${id}/verify`, undefined, call)
}

interface ProviderLike {
  readonly issuer: string
  readonly clientId?: string
  readonly clientSecret?: string
}

/** Lets people in through a provider. */
export async function connect(
  test: SsoPlatform,
  { call }: Pick<SsoOrganization, 'call'>,
  { issuer, clientId = CLIENT_ID, clientSecret = CLIENT_SECRET }: ProviderLike,
  more: object = {},
): Promise<ApiReply> {
  const connection = { issuer, client_id: clientId, client_secret: clientSecret, ...more }
  return await test.api.put('/organization/sso', connection, call)
}

/** What a client has after it began. */
export interface BegunSignIn {
  readonly attempt: string
  readonly url: string
}

export async function begin(test: SsoPlatform, tenantId: string, body: object = {}): Promise<BegunSignIn> {
  const reply = await test.api.post('/auth/sso/start', body, { tenantId })
  if (reply.status !== 201) throw new Error(`not begun: ${reply.status} ${reply.text}`)
  return { attempt: reply.body.attempt, url: reply.body.authorization_url }
}

/** Brings the provider's answer. */
export async function comeBack(
  test: SsoPlatform,
  tenantId: string,
  query: string,
  call?: ApiCall,
): Promise<ApiReply> {
  return await test.api.get(`/auth/sso/callback/${tenantId}?${query}`, call)
}

/** Ends a sign-in, or hears why the provider's answer was not good. */
export async function end(
  test: SsoPlatform,
  { attempt }: BegunSignIn,
  returned: ApiReply,
): Promise<ApiReply> {
  if (returned.status !== 200) return returned
  return await test.api.post('/auth/sso/token', { attempt, code: returned.body.code })
}

/** A whole sign-in, of whoever a hostile provider says. */
export async function signIn(
  test: SsoPlatform,
  tenantId: string,
  provider: HostileProvider,
  statement: Statement,
): Promise<ApiReply> {
  const begun = await begin(test, tenantId)
  provider.statement = statement
  return await end(test, begun, await comeBack(test, tenantId, provider.authorize(begun.url)))
}

/** What a decent provider says of somebody new. */
export function person(domain: string, more: object = {}) {
  const subject = unique('sub')
  return { sub: subject, email: `${subject}@${domain}`, email_verified: true, name: 'Ann Other', ...more }
}
