import { type ConnectionOptions, REQUEST_TIMEOUTS, withConnection } from '../../platform/index.ts'
import { readServerFacts, type ServerFacts } from './facts/store.ts'

/** PostgreSQL's oldest version that tenant databases are made on. */
export const OLDEST_VERSION = 15

/** Asks a server what it is. @throws within seconds when it does not answer */
export async function probeServer(url: string): Promise<ServerFacts> {
  const options: ConnectionOptions = { url, applicationName: 'tenantry probe', timeouts: REQUEST_TIMEOUTS }
  return await withConnection(options, readServerFacts)
}

/** What keeps a server from holding tenant databases, one sentence each; empty when nothing does. */
export function shortcomings(facts: ServerFacts): string[] {
  return [
    facts.version < OLDEST_VERSION &&
      `It is PostgreSQL ${facts.version}; ${OLDEST_VERSION} or newer is needed.`,
    facts.isReplica && 'It is a read-only replica.',
    !facts.mayCreateDatabases &&
      `Its role ${facts.role} needs CREATEDB: ALTER ROLE "${facts.role}" CREATEDB;`,
    !facts.mayCreateRoles &&
      `Its role ${facts.role} needs CREATEROLE: ALTER ROLE "${facts.role}" CREATEROLE;`,
  ].filter((line) => line !== false)
}

/** What an administrator of the server should do, as statements and remarks. */
export function adviceFor(facts: ServerFacts): string[] {
  return [
    ...facts.openDatabases.map((name) => `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC;`),
    ...(facts.isSuperuser
      ? [`ALTER ROLE "${facts.role}" NOSUPERUSER CREATEDB CREATEROLE; -- tenants’ server needs no superuser`]
      : []),
  ]
}
