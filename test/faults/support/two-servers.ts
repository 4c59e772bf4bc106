import { createSecretBox } from '../../../src/platform/index.ts'
import { createCredentialVault } from '../../../src/tenancy/credentials/vault.ts'
import { MAIN_SERVER_ID } from '../../../src/tenancy/index.ts'
import { eventually } from '../../acceptance/support/poll.ts'
import { CORE, type House, startHouse } from './house.ts'
import { OwnPostgres } from './own-postgres.ts'

/** A server process with two PostgreSQL servers, the first of which holds the core database too. */
export interface TwoServers extends AsyncDisposable {
  readonly house: House
  readonly first: OwnPostgres
  readonly second: OwnPostgres
  /** The platform's. */
  readonly TENANTRY_SECRET: string
  /** Tells the platform of the second server, and where to reach it unless it is its own address. */
  add(url?: string): Promise<void>
}

export const FIRST_ID = MAIN_SERVER_ID
export const SECOND_ID = '00000000-0000-7000-8000-000000000002'

/** So few connections to tenants on each server that a test can use them up. */
export const MOST_CONNECTIONS = 4
export const FEW_CONNECTIONS = {
  TENANT_CONNECTIONS: `${MOST_CONNECTIONS}`,
  TENANT_CONNECTIONS_PER_TENANT: '2',
}

const SECRET = 'two-servers-secret-with-enough-different-characters'

/** @param env of the server process */
export async function startTwoServers(env: Readonly<Record<string, string>>): Promise<TwoServers> {
  await using stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse({ TENANTRY_SECRET: SECRET, ...env }))
  const second = await OwnPostgres.create(house.place, { name: 'second' })
  const vault = createCredentialVault(createSecretBox(SECRET))
  const add = async (url = second.urlFor('postgres')) => {
    const sealedUrl = vault.sealUrl(SECOND_ID, url)
    await ask(house, `INSERT INTO servers (id, name, sealed_url) VALUES ($1, 'second', $2)`, [
      SECOND_ID,
      sealedUrl,
    ])
  }
  const all = stack.move()
  return {
    house,
    TENANTRY_SECRET: SECRET,
    first: house.postgres,
    second,
    add,
    // The second server ends before the house does, whose process then has nothing to wait for.
    [Symbol.asyncDispose]: async () => {
      await house.server.stop()
      await second[Symbol.asyncDispose]()
      await all.disposeAsync()
    },
  }
}

/** Asks the core database. */
// biome-ignore lint/suspicious/noExplicitAny: rows of many shapes, whose fields the tests assert.
export async function ask(house: House, query: string, values: unknown[] = []): Promise<any[]> {
  return await house.postgres.asAdmin(async (core) => (await core.query(query, values)).rows, CORE)
}

/** The server that a tenant is on. */
export async function serverOf(house: House, tenantId: string): Promise<string> {
  const [row] = await ask(house, 'SELECT server_id FROM tenants WHERE id = $1', [tenantId])
  return row.server_id
}

/** Waits until each of these servers has so many spares, and makes no more. */
export async function untilSpares(house: House, wanted: Readonly<Record<string, number>>): Promise<void> {
  let seen: unknown
  await eventually(
    'the spares',
    async () => {
      seen = await ask(
        house,
        `SELECT s.id, count(*) FILTER (WHERE t.status = 'spare')::int AS spares,
                count(*) FILTER (WHERE t.status = 'preparing')::int AS preparing
           FROM servers s LEFT JOIN tenants t ON t.server_id = s.id GROUP BY s.id`,
      )
      return (seen as { id: string; spares: number; preparing: number }[]).every(
        ({ id, spares, preparing }) => !(id in wanted) || (spares === wanted[id] && preparing === 0),
      )
    },
    { evidence: () => JSON.stringify(seen) },
  )
}
