import { aboutTenant, openTenants, revokeStatement } from '../about.ts'
import type { Finding } from '../finding.ts'
import { reopen, shutOut } from '../mend.ts'
import type { ServerScope } from '../scope.ts'

/** Who may connect to a tenant's database: its own role, and nobody else. */
export function checkAdmission(scope: ServerScope): Finding[] {
  return openTenants(scope).flatMap(({ tenant, database: { name, admitted } }) => {
    const findings: Finding[] = []
    if (scope.roles.has(name) && !admitted.includes(name))
      findings.push(
        aboutTenant(scope, tenant, {
          code: 'connect-missing',
          severity: 'error',
          text: 'its role may not connect to its database',
          mend: () => reopen(scope, tenant.id),
        }),
      )
    const others = admitted.filter((role) => role !== name)
    return [...findings, ...others.map((role) => stranger(scope, tenant, role))]
  })
}

/** Another tenant's role has no business there; of any other role an administrator may know more than this program. */
function stranger(
  scope: ServerScope,
  tenant: { readonly id: string; readonly databaseName: string },
  role: string,
): Finding {
  const isTenants = scope.knownNames.has(role)
  return aboutTenant(scope, tenant, {
    code: 'other-role-connects',
    severity: isTenants ? 'error' : 'warning',
    text: `the role ${role} may connect to its database`,
    statement: revokeStatement(tenant.databaseName, role),
    ...(isTenants && { mend: () => shutOut(scope, tenant.id, role) }),
  })
}
