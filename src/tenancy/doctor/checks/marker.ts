import type { Connection } from '../../../platform/index.ts'
import type { TenantFinding } from '../finding.ts'
import { readIdentity } from '../inside/store.ts'
import { writeMarker } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** Whose a tenant's database says that it is. */
export async function checkMarker(
  scope: ServerScope,
  { id }: TenantRow,
  database: Connection,
): Promise<TenantFinding[]> {
  const identity = await readIdentity(database)
  if (!identity || (identity.installationId === scope.ourId && identity.tenantId === null))
    return [
      {
        code: 'marker-missing',
        severity: 'error',
        text: 'its database does not say whose it is',
        mend: () => writeMarker(scope, id),
      },
    ]
  const { installationId, tenantId } = identity
  if (installationId === scope.ourId && tenantId === id) return []
  const text = `its database says that it is tenant ${tenantId ?? 'none'} of installation ${installationId}`
  return [{ code: 'marker-foreign', severity: 'error', text }]
}
