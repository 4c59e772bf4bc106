import type { Config } from '../../config.ts'
import type { SchemaPolicy } from '../../tenancy/index.ts'
import { type CatchUpOptions, createCatchUp } from './catch-up.ts'

/** What the configuration says about tenants that lack migrations. */
export function createSchemaPolicy(
  config: Pick<Config, 'tenantMigrations' | 'tenantSchemaWindow' | 'tenantConnections'>,
  options: Omit<CatchUpOptions, 'connections'>,
): SchemaPolicy {
  const window = config.tenantSchemaWindow
  if (config.tenantMigrations === 'staged') return { window }
  return { window, catchUp: createCatchUp({ ...options, connections: config.tenantConnections }) }
}
