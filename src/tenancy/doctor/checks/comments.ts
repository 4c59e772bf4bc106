import { databaseMark } from '../../databases/store.ts'
import { aboutTenant, completeTenants } from '../about.ts'
import type { Finding } from '../finding.ts'
import { writeMark } from '../mend.ts'
import { readOwner } from '../proof.ts'
import type { ServerScope } from '../scope.ts'

/** The comments by which databases are known as ours even where nobody can enter them. */
export function checkComments(scope: ServerScope): Finding[] {
  return completeTenants(scope).flatMap((tenant) => {
    const database = scope.databases.get(tenant.databaseName)
    if (!database || database.comment === databaseMark(scope.ourId, tenant.id)) return []
    if (readOwner(database.comment))
      return aboutTenant(scope, tenant, {
        code: 'mark-foreign',
        severity: 'error',
        text: `the comment on its database says: ${database.comment}`,
      })
    return aboutTenant(scope, tenant, {
      code: 'mark-missing',
      severity: 'warning',
      text: 'the comment on its database does not say whose it is',
      mend: () => writeMark(scope, tenant.id),
    })
  })
}
