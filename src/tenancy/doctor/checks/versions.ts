import { isSpare } from '../../types.ts'
import { aboutTenant, completeTenants } from '../about.ts'
import type { Finding } from '../finding.ts'
import { remakeSpare } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** Tenants and spares that lack migrations, as far as the core database knows. */
export function checkVersions(scope: ServerScope): Finding[] {
  const { latest = '', files } = scope.migrations
  return completeTenants(scope).flatMap((tenant) => {
    const version = tenant.schemaVersion ?? ''
    const expected = files.filter((file) => file.version <= version).length
    if (version > latest) return isSpare(tenant) ? newer(scope, tenant) : []
    if (version === latest && tenant.migrationsApplied >= expected) return []
    return isSpare(tenant) ? outdated(scope, tenant) : behind(scope, tenant)
  })
}

function behind(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'schema-behind',
    severity: 'warning',
    text: `it lacks migrations: tenantry migrate up tenants --tenant ${tenant.id}`,
  })
}

function outdated(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'spare-outdated',
    severity: 'warning',
    text: 'this spare lacks migrations and is not handed out',
    mend: () => remakeSpare(scope, tenant.id),
  })
}

function newer(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'spare-outdated',
    severity: 'info',
    text: 'this spare is newer than this program and waits for a newer one',
  })
}
