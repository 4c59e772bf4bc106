import type { Database, Executor, Id, Transaction } from '../platform/index.ts'
import type { TENANT_STATUSES } from './tables.ts'

/** The core database. */
export type CoreDb = Database<'core'>
export type CoreExecutor = Executor<'core'>
export type CoreTx = Transaction<'core'>

/**
 * One tenant's database. Code gets one only inside `withTenant`, or from a request that the tenant guard admitted;
 * there is no default one, and it does not pass for a `CoreDb`.
 */
export type TenantDb = Database<'tenant'> & { readonly tenantId: Id }
export type TenantExecutor = Executor<'tenant'>
export type TenantTx = Transaction<'tenant'>

export type TenantStatus = (typeof TENANT_STATUSES)[number]

/** What the directory knows of a tenant. */
export interface TenantRecord {
  readonly id: Id
  readonly status: TenantStatus
  readonly serverId: Id
  /** Also the name of its login role. */
  readonly databaseName: string
  readonly schemaVersion: string | null
  readonly migrationsApplied: number
  /** Grows with every change of what is here, but for the sealed passwords alone. */
  readonly epoch: number
  readonly credentialsVersion: number
  readonly sealedPassword: string | null
  readonly sealedPreviousPassword: string | null
}

/** `tenant_{org_id}`: derived from the id alone, so that no text of a customer becomes an identifier. */
export function tenantDatabaseName(tenantId: Id): string {
  return `tenant_${tenantId}`
}

/** A database without an organization, ready or being made. */
export function isSpare({ status }: Pick<TenantRecord, 'status'>): boolean {
  return status === 'spare' || status === 'preparing'
}

/** Whether its role and database are complete: nobody is at work on them, and they are as they are to stay. */
export function isComplete({ status }: Pick<TenantRecord, 'status'>): boolean {
  return status === 'active' || status === 'suspended' || status === 'spare'
}
