import type { Connection } from '../../../platform/index.ts'
import type { TenantFinding } from '../finding.ts'
import { readExcess, readWrongRights } from '../inside/store.ts'
import { grantRows } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** What a tenant's role may make or change in its database, which no tenant's role may. */
export async function checkPowers(
  { group }: ServerScope,
  { databaseName }: TenantRow,
  database: Connection,
): Promise<TenantFinding[]> {
  return (await readExcess(database, { role: databaseName, group })).map(({ what, statement }) => ({
    code: 'role-powerful',
    severity: 'error',
    text: what,
    statement,
  }))
}

/** The group's rights to rows in a tenant's database. */
export async function checkRights(
  scope: ServerScope,
  { id }: TenantRow,
  database: Connection,
): Promise<TenantFinding[]> {
  if (!scope.roles.has(scope.group)) return []
  const wrong = await readWrongRights(database, scope.group)
  if (wrong.length === 0) return []
  const text = `the rights of ${scope.group} are not as they should be: ${wrong.join(', ')}`
  return [{ code: 'rights-wrong', severity: 'error', text, mend: () => grantRows(scope, id) }]
}
