import type { ApiReply, Method, SignedInUser } from './api-client.ts'
import { makeKey } from './api-keys.ts'
import { type CheckedPlatform, startCheckedPlatform } from './checked-platform.ts'
import { enter, type LinkedPerson } from './people.ts'

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

/** An organization with a key for its directory. */
export interface ScimTenant {
  readonly tenantId: string
  /** Its founder's core account. */
  readonly founder: SignedInUser
  readonly owner: LinkedPerson
  readonly key: string
  /** As the directory; `path` behind the tenant. */
  send(
    method: Method,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiReply>
  patch(path: string, ...operations: readonly unknown[]): Promise<ApiReply>
  /** Makes a user, and gives its resource. */
  user(userName: string, attributes?: object): Promise<ScimResource>
}

export interface ScimResource {
  readonly id: string
  readonly userName: string
  readonly meta: { readonly version: string; readonly location: string }
}

/** A platform on which an organization has a directory. */
export async function startScim(): Promise<{ test: CheckedPlatform; tenant: ScimTenant }> {
  // Of 16 at once none waits for a connection: how long that takes is the business of other tests.
  const test = await startCheckedPlatform({ env: { TENANT_CONNECTIONS_PER_TENANT: '16' } })
  return { test, tenant: await newScimTenant(test) }
}

export async function newScimTenant(test: CheckedPlatform): Promise<ScimTenant> {
  const founder = await test.api.register()
  const { id: tenantId } = await test.api.createOrganization(founder)
  const owner = await enter(test, tenantId, founder)
  const { key } = await makeKey(test, { token: owner.tenantToken, tenantId }, ['directory.provision'])
  const send: ScimTenant['send'] = (method, path, body, headers = {}) =>
    test.api.send(method, `/scim/v2/${tenantId}${path}`, body, {
      token: key,
      headers: { ...(body !== undefined && { 'content-type': 'application/scim+json' }), ...headers },
    })
  return {
    tenantId,
    founder,
    owner,
    key,
    send,
    patch: (path, ...operations) => send('PATCH', path, { schemas: [PATCH], Operations: operations }),
    user: async (userName, attributes = {}) => {
      const reply = await send('POST', '/Users', { schemas: [USER], userName, ...attributes })
      if (reply.status !== 201) throw new Error(`no user: ${reply.status} ${reply.text}`)
      return reply.body
    },
  }
}

/** The error that SCIM answers. */
export function scimError(status: number, scimType?: string) {
  return { status, body: { status: String(status), ...(scimType !== undefined && { scimType }) } }
}
