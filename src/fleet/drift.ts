import { messageOf, postgresError } from '../platform/index.ts'
import type { SchemaDrift, Tenancy } from '../tenancy/index.ts'
import { type EachOptions, type EachOutcome, type EachReport, forEachTenant } from './each.ts'
import { patiently } from './patience.ts'

/** What a tenant's schema has, or lacks, against what its migrations make; null where both are alike. */
export type DriftOutcome = EachOutcome<SchemaDrift | null>

/**
 * Compares the schema of each tenant with what its migrations make, and records that. One that cannot be compared counts as
 * failed and keeps what was recorded; while a server is away its tenants wait up to half a minute. Throws what
 * `forEachTenant` throws.
 */
export async function lookForDrift(
  options: EachOptions & { readonly tenancy: Tenancy },
  tell: (outcome: DriftOutcome) => void,
): Promise<EachReport> {
  const { operations } = options.tenancy
  const isStopped = () => options.signal.aborted
  return await forEachTenant(
    options,
    async (tenant) => {
      const comparison = await patiently(() => operations.checkDrift(tenant), { isStopped }).catch(
        tellOperator,
      )
      if ('why' in comparison) throw new Error(`it cannot be compared: ${comparison.why}`)
      return comparison.drift
    },
    tell,
  )
}

/** What requests are told of a database that cannot be entered helps nobody who is to mend it. */
function tellOperator(error: unknown): never {
  throw new Error(postgresError(error)?.message ?? messageOf(error), { cause: error })
}
