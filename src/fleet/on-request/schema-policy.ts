import type { Config } from '../../config.ts'
import type { SchemaPolicy } from '../../tenancy/index.ts'
import { type CatchUpOptions, createCatchUp } from './catch-up.ts'

/** What the configuration says about tenants that lack migrations. */
export function createSchemaPolicy(
  { tenantMigrations, tenantSchemaWindow: window }: Pick<Config, 'tenantMigrations' | 'tenantSchemaWindow'>,
  options: CatchUpOptions,
): SchemaPolicy {
  return tenantMigrations === 'on-request' ? { window, catchUp: createCatchUp(options) } : { window }
}
