import { sql } from 'drizzle-orm'
import type { ApiCall, ApiReply, SignedInUser } from './api-client.ts'
import type { TestPlatform } from './platform.ts'
import { inCore } from './rows.ts'

export const REASON = 'Ticket 4711: a report that does not open'

/** Somebody who operates the platform, signed in to it. */
export async function registerAdmin(test: TestPlatform): Promise<SignedInUser> {
  const admin = await test.api.register()
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${admin.id}`)
  return admin
}

/** Asks to act as a user of an organization. @param wish besides a reason; `user_id` or `email` at least */
export async function start(
  { api }: TestPlatform,
  admin: Pick<SignedInUser, 'token'>,
  tenantId: string,
  wish: object,
): Promise<ApiReply> {
  const path = `/admin/organizations/${tenantId}/impersonation`
  return await api.post(path, { reason: REASON, ...wish }, { token: admin.token })
}

/** A call as that user, and the impersonation's id. */
export type Acting = ApiCall & { readonly id: string }

/** Acts as a user of an organization; fails the test where that is refused. */
export async function actAs(
  test: TestPlatform,
  admin: Pick<SignedInUser, 'token'>,
  tenantId: string,
  user: Pick<SignedInUser, 'id'>,
  wish: object = {},
): Promise<Acting> {
  const reply = await start(test, admin, tenantId, { user_id: user.id, ...wish })
  if (reply.status !== 201) throw new Error(`may not act: ${reply.status} ${reply.text}`)
  return { token: reply.body.access_token, tenantId, id: reply.body.impersonation.id }
}
