import type { Id } from '../platform/index.ts'
import type { Turn } from './turns/store.ts'

/** What becomes known while a run goes on. */
export type FleetEvent =
  | { readonly kind: 'planned'; readonly runId: Id; readonly tenants: number; readonly upToDate: number }
  | { readonly kind: 'wave'; readonly wave: number; readonly tenants: number }
  | ({ readonly kind: 'tenant'; readonly tenantId: Id } & Turn)

/** Takes events; must not throw. */
export type Watch = (event: FleetEvent) => void
