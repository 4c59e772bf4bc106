import { sql } from 'drizzle-orm'
import { newId } from '../../src/platform/index.ts'
import type { SignedInUser } from './api-client.ts'
import type { TestPlatform } from './platform.ts'
import { inCore, inTenant } from './rows.ts'

export type Role = 'owner' | 'admin' | 'member'

/** A person in an organization, there by the exchange of a core token. */
export interface LinkedPerson extends SignedInUser {
  /** The tenant user's; `id` is the core user's. */
  readonly memberId: string
  /** The tenant token. */
  readonly tenantToken: string
  readonly tenantRefreshToken: string
}

/** Makes a new platform user a linked member, behind the API's back, and signs it in there. */
export async function addLinked(
  test: TestPlatform,
  tenantId: string,
  role: Role = 'member',
): Promise<LinkedPerson> {
  const person = await test.api.register()
  await inTenant(
    test.platform,
    tenantId,
    sql`INSERT INTO users (id, core_user_id, email, role, is_owner)
      VALUES (${newId()}, ${person.id}, ${person.email}, ${role}, ${role === 'owner'})`,
  )
  await inCore(
    test.platform,
    sql`INSERT INTO memberships (core_user_id, organization_id, role) VALUES (${person.id}, ${tenantId}, ${role})`,
  )
  return await enter(test, tenantId, person)
}

/** Signs a linked person in to an organization, without a password. */
export async function enter(
  test: TestPlatform,
  tenantId: string,
  person: SignedInUser,
): Promise<LinkedPerson> {
  const reply = await test.api.post(`/organizations/${tenantId}/token`, {}, { token: person.token })
  if (reply.status !== 200) throw new Error(`not let in: ${reply.status} ${reply.text}`)
  const { user, access_token: tenantToken, refresh_token: tenantRefreshToken } = reply.body
  return { ...person, memberId: user.id, tenantToken, tenantRefreshToken }
}
