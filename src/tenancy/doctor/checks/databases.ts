import { quoteIdentifier } from '../../../platform/index.ts'
import { isSpare } from '../../types.ts'
import { aboutTenant, completeTenants, HALF_DROPPED } from '../about.ts'
import type { Finding, TenantFinding } from '../finding.ts'
import { limitDatabase, remakeSpare, reopen } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { DatabaseFacts, TenantRow } from '../store.ts'

/** Whether the databases of complete tenants are there, whole, open, ours and limited. */
export function checkDatabases(scope: ServerScope): Finding[] {
  return completeTenants(scope).flatMap((tenant) => {
    const database = scope.databases.get(tenant.databaseName)
    return problemsOf(scope, tenant, database).map((problem) => aboutTenant(scope, tenant, problem))
  })
}

function problemsOf(scope: ServerScope, tenant: TenantRow, database?: DatabaseFacts): TenantFinding[] {
  if (!database) return [lost(scope, tenant, 'database-missing', 'its database does not exist')]
  const { allowsConnections, connectionLimit, isOwned } = database
  if (connectionLimit === HALF_DROPPED)
    return [lost(scope, tenant, 'database-half-dropped', 'its database was dropped in part and is lost')]
  const problems: TenantFinding[] = []
  if (!allowsConnections)
    problems.push({
      code: 'database-closed',
      severity: 'error',
      text: 'its database lets nobody in',
      mend: () => reopen(scope, tenant.id),
    })
  if (!isOwned)
    problems.push({
      code: 'owner-wrong',
      severity: 'error',
      text: 'its database belongs to another role than the platform’s',
      statement: `ALTER DATABASE ${quoteIdentifier(tenant.databaseName)} OWNER TO ${quoteIdentifier(scope.facts.role)};`,
    })
  if (connectionLimit !== scope.connectionLimit)
    problems.push({
      code: 'database-limit',
      severity: isTighter(connectionLimit, scope.connectionLimit) ? 'warning' : 'info',
      text: `its database takes ${amount(connectionLimit)}, and should take ${scope.connectionLimit}`,
      mend: () => limitDatabase(scope, tenant.id),
    })
  return problems
}

/** A spare holds nothing yet, so it is made again. What a customer lost is in the backups. */
function lost(
  scope: ServerScope,
  tenant: TenantRow,
  code: 'database-missing' | 'database-half-dropped',
  text: string,
): TenantFinding {
  if (isSpare(tenant))
    return {
      code,
      severity: 'warning',
      text: `${text}; it is a spare`,
      mend: () => remakeSpare(scope, tenant.id),
    }
  return { code, severity: 'error', text: `${text}: restore it from a backup` }
}

/** -1 stands for no limit. */
export function isTighter(limit: number, wanted: number): boolean {
  return limit !== -1 && limit < wanted
}

export function amount(limit: number): string {
  return limit === -1 ? 'any number of connections' : `${limit} connections`
}
