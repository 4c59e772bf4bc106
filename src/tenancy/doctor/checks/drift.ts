import { messageOf } from '../../../platform/index.ts'
import { compareLook } from '../../drift/compare.ts'
import type { Look } from '../../drift/look.ts'
import type { SchemaDrift } from '../../drift/types.ts'
import { shortcomings } from '../../servers/probe.ts'
import type { TenantFinding } from '../finding.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** Compares what a tenant's database looks like with what its migrations make, and records that. */
export async function checkDrift(
  scope: ServerScope,
  tenant: TenantRow,
  look: Look,
): Promise<TenantFinding[]> {
  // Without CREATEDB there is nothing to compare with, and a finding of its own.
  if (shortcomings(scope.facts).length > 0) return []
  try {
    const comparison = await compareLook(scope, tenant, look)
    // What stands in the way of a comparison has a finding of its own.
    if ('why' in comparison || !comparison.drift) return []
    return [{ code: 'schema-drifted', severity: 'warning', text: describe(comparison.drift) }]
  } catch (error) {
    const text = `its schema could not be compared: ${messageOf(error)}`
    return [{ code: 'check-failed', severity: 'error', text }]
  }
}

function describe({ differences, more }: SchemaDrift): string {
  const rest = more > 0 ? `; and ${more} more` : ''
  return `its schema was changed by other means than migrations: ${differences.join('; ')}${rest}`
}
