import { withDatabase } from '../../src/platform/index.ts'
import { createOrganization, refresh, register, type Session, tenantHeaders } from './api.ts'
import type { Target } from './load/plan.ts'

/** A tenant with one signed-in user. */
export interface Tenant {
  readonly id: string
  readonly database: string
  readonly user: Session
}

/** Where a baseline finds the row that `GET /users/me` answers with. */
export interface BareTenant {
  readonly url: string
  readonly userId: string
}

const PARALLEL = 4

/** Makes tenants through the API, a user in each. */
export async function createTenants(url: string, count: number): Promise<Tenant[]> {
  const owner = await register(url)
  return await inParallel(Array.from({ length: count }), async () => {
    const { id, database_name } = await createOrganization(url, owner)
    return { id, database: database_name, user: await register(url, id) }
  })
}

/** The same tenants with new access tokens, for rows that come long after the tenants were made. */
export async function renewTokens(url: string, tenants: readonly Tenant[]): Promise<Tenant[]> {
  return await inParallel(tenants, async (tenant) => ({
    ...tenant,
    user: await refresh(url, tenant.user, tenant.id),
  }))
}

/** `GET /users/me` of a tenant's user. */
export function profileOf(url: string, { id, user }: Tenant): Target {
  return { url: `${url}/api/v1/users/me`, headers: tenantHeaders(id, user) }
}

/** The same row for a server or a client of the baseline. */
export function bareTenant(databaseUrl: string, { database, user }: Tenant): BareTenant {
  return { url: withDatabase(databaseUrl, database), userId: user.userId }
}

/** Does something with every item, a few at a time; answers in the order of the items. */
export async function inParallel<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
  parallel = PARALLEL,
): Promise<Answer[]> {
  const answers: Answer[] = []
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) answers[index] = await work(item)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return answers
}
