export { type DriftOutcome, lookForDrift } from './drift.ts'
export { type EachOptions, type EachOutcome, type EachReport, forEachTenant } from './each.ts'
export { FleetBusyError, LeaseLostError, RunRefusedError, UnknownTenantError } from './errors.ts'
export {
  type Conduct,
  createFleet,
  type Fleet,
  type FleetOptions,
  type RunReport,
  type RunWish,
} from './fleet.ts'
export { createSchemaPolicy } from './on-request/schema-policy.ts'
export { assertServable } from './on-request/servable.ts'
export { patiently } from './patience.ts'
export { type FleetPlan, isQuarantined } from './plan.ts'
export type { FleetEvent, Watch } from './progress.ts'
export type { RunRecorder } from './recorder.ts'
export { type FleetRoutesOptions, fleetRoutes } from './routes.ts'
export { runStatus } from './run-status.ts'
export type { Run, RunSummary } from './runs/store.ts'
export { DEFAULT_SETTINGS, type RunSettings } from './settings.ts'
export { type FleetException, type FleetStatus, fleetStatus } from './status.ts'
export { fleetRuns, fleetRunTenants } from './tables.ts'
export type { DriftNote } from './tenants/store.ts'
export type { RunTenant } from './turns/store.ts'
export type { FailureCode, MigrationAction, TenantFailure } from './types.ts'
export { type Verification, verifyOnClone } from './verify.ts'
