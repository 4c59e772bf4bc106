export { tenancyErrors } from './errors.ts'
export type { ProvisioningHooks } from './provisioning/provisioner.ts'
export { acknowledgeTenant } from './provisioning/store.ts'
export { findTenantDetails, listTenants, recordSchema } from './store.ts'
export { installation, MAIN_SERVER_ID, servers, tenantIdentity, tenants } from './tables.ts'
export { createTenancy, type Tenancy, type TenancyOptions } from './tenancy.ts'
export {
  type CoreDb,
  type CoreExecutor,
  type CoreTx,
  type TenantDb,
  type TenantExecutor,
  type TenantRecord,
  type TenantStatus,
  type TenantTx,
  tenantDatabaseName,
} from './types.ts'
