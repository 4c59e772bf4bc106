import { type Id, quoteIdentifier } from '../../platform/index.ts'
import { isComplete } from '../types.ts'
import type { Finding, TenantFinding } from './finding.ts'
import type { ServerScope } from './scope.ts'
import type { DatabaseFacts, TenantRow } from './store.ts'

/** A complete tenant whose database is there and lets people in. */
export interface OpenTenant {
  readonly tenant: TenantRow
  readonly database: DatabaseFacts
}

/** PostgreSQL's limit of a database whose drop was interrupted: it can only be dropped again. */
export const HALF_DROPPED = -2

/** A finding about a tenant's database and role, which have one name. */
export function aboutTenant(
  { server }: ServerScope,
  { id, databaseName }: { readonly id: Id; readonly databaseName: string },
  finding: TenantFinding,
): Finding {
  return { ...finding, server: server.name, tenantId: id, subject: databaseName }
}

/** A finding about the server itself, or about `subject` on it. */
export function aboutServer(
  { server }: Pick<ServerScope, 'server'>,
  finding: TenantFinding,
  subject = server.name,
): Finding {
  return { ...finding, server: server.name, subject }
}

/** Tenants whose role and database must be there. */
export function completeTenants({ tenants }: ServerScope): TenantRow[] {
  return tenants.filter(isComplete)
}

/** Tenants whose databases can be entered. */
export function openTenants(scope: ServerScope): OpenTenant[] {
  return completeTenants(scope).flatMap((tenant) => {
    const database = scope.databases.get(tenant.databaseName)
    const isOpen = database?.allowsConnections && database.connectionLimit !== HALF_DROPPED
    return isOpen ? [{ tenant, database }] : []
  })
}

export function revokeStatement(database: string, role?: string): string {
  const from = role === undefined ? 'PUBLIC' : quoteIdentifier(role)
  return `REVOKE CONNECT ON DATABASE ${quoteIdentifier(database)} FROM ${from};`
}
