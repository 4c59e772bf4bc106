export {
  type FleetAction,
  type FleetOptions,
  migrateTenants,
  type TenantOutcome,
  UnknownTenantError,
} from './migrate-tenants.ts'
export { type FleetStatus, fleetStatus } from './status.ts'
