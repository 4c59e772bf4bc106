import type { CoreDb, TenantDb } from '../../tenancy/index.ts'

/** Where a person signs in: the platform, or one organization. */
export type Realm =
  | { readonly scope: 'core'; readonly db: CoreDb }
  | { readonly scope: 'tenant'; readonly db: TenantDb }
