import { type ApiReply, call, createOrganization, newPerson, register } from '../../acceptance/support/api.ts'
import { type Server, Workspace } from '../../acceptance/support/workspace.ts'
import { OwnPostgres } from './own-postgres.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A server process, its PostgreSQL, and the network between them, all of which a test may break. */
export interface House extends AsyncDisposable {
  readonly place: Workspace
  readonly postgres: OwnPostgres
  readonly proxy: TcpProxy
  readonly server: Server
  /** The owner of every organization here, signed in on the platform. */
  readonly ownerToken: string
}

/** An organization and one of its users, signed in. */
export interface Resident {
  readonly tenantId: string
  readonly databaseName: string
  readonly token: string
}

export const CORE = 'core'

/**
 * Starts all of it.
 *
 * @param env of the server
 * @param settings of its PostgreSQL
 */
export async function startHouse(
  env: Readonly<Record<string, string>> = {},
  settings: readonly string[] = [],
): Promise<House> {
  await using stack = new AsyncDisposableStack()
  const place = stack.use(await Workspace.create())
  const postgres = stack.use(await OwnPostgres.create(place, { settings }))
  const proxy = stack.use(await TcpProxy.before(postgres.adminUrl))
  const DATABASE_URL = proxy.through(postgres.urlFor(CORE))
  const server = await place.serve({ DATABASE_URL, LOG_LEVEL: 'error', ...env })
  // Taken down first, while it can still reach its database.
  stack.defer(async () => void (await server.stop()))
  const ownerToken = await register(server.url, newPerson('owner'))
  const all = stack.move()
  return { place, postgres, proxy, server, ownerToken, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Makes an organization and a user in it. */
export async function moveIn({ server, ownerToken }: House, name = 'Resident'): Promise<Resident> {
  const tenantId = await createOrganization(server.url, ownerToken, name)
  return await joinIn(server, tenantId)
}

/** One more user of an organization. */
export async function joinIn({ url }: Server, tenantId: string): Promise<Resident> {
  const token = await register(url, newPerson('resident'), tenantId)
  return { tenantId, databaseName: `tenant_${tenantId}`, token }
}

/** Reads a user's own profile. */
export async function readProfile({ url }: Server, { tenantId, token }: Resident): Promise<ApiReply> {
  return await call(url, 'GET /users/me', { tenantId, token })
}

/** Changes a user's own profile. */
export async function changeProfile(
  { url }: Server,
  { tenantId, token }: Resident,
  body: object,
): Promise<ApiReply> {
  return await call(url, 'PUT /users/me', { tenantId, token, body })
}

/** What the server's probe says: 200 or 503. */
export async function readiness({ url }: Server): Promise<number> {
  return (await fetch(`${url}/health/ready`)).status
}
