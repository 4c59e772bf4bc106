export type { SignInTenant } from './admission.ts'
export { RotationError } from './credentials/rotate.ts'
export { SealedElsewhereError } from './credentials/vault.ts'
export type { Diagnosis, LeftFinding } from './doctor/doctor.ts'
export { FINDING_CODES, type Finding, type FindingCode, type Severity } from './doctor/finding.ts'
export type { Comparison } from './drift/compare.ts'
export type { SchemaDrift } from './drift/types.ts'
export { tenancyErrors } from './errors.ts'
export { tenancyGauges } from './gauges.ts'
export { DatabaseInUseError } from './operations/rehearsal.ts'
export type { ProvisioningHooks } from './provisioning/provisioner.ts'
export { noteAnnounced } from './provisioning/store.ts'
export { lacks, type Maintain, type SchemaPolicy } from './schema-gate.ts'
export { type AddedServer, type NewServer, ServerRefusedError } from './servers/add-server.ts'
export type { ServerReport } from './servers/server-reports.ts'
export { findServer, listServers, setDraining } from './servers/store.ts'
export {
  findTenantDetails,
  listTenants,
  type SchemaState,
  setTenantStatus,
} from './store.ts'
export { installation, MAIN_SERVER_ID, servers, TENANT_STATUSES, tenantIdentity, tenants } from './tables.ts'
export { createTenancy, type Tenancy, type TenancyOptions } from './tenancy.ts'
export {
  type CoreDb,
  type CoreExecutor,
  type CoreTx,
  isComplete,
  isSpare,
  type TenantDb,
  type TenantExecutor,
  type TenantRecord,
  type TenantStatus,
  type TenantTx,
  tenantDatabaseName,
} from './types.ts'
export { type Chore, Worker } from './worker.ts'
