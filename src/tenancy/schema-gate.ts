import type { MigrationSet } from '../migrations/index.ts'
import type { Connection } from '../platform/index.ts'
import { tenancyErrors } from './errors.ts'
import type { TenantRecord } from './types.ts'

/** Gives a connection of the platform's role to a tenant's database. */
export type Maintain = <T>(
  tenant: Pick<TenantRecord, 'serverId' | 'databaseName'>,
  work: (connection: Connection) => Promise<T>,
) => Promise<T>

/** What becomes of a tenant that lacks migrations when somebody asks for it. */
export interface SchemaPolicy {
  /** How many of the migrations it may lack and still be let in. */
  readonly window: number
  /**
   * Brings it up to date at once, and says whether it is; must not throw. Left out: nobody does, and runs over the fleet
   * will.
   */
  readonly catchUp?: (tenant: TenantRecord, maintain: Maintain) => Promise<boolean>
}

export interface SchemaGateOptions {
  readonly migrations: MigrationSet
  readonly policy: SchemaPolicy
  readonly maintain: Maintain
  /** Forgets a record and reads it again. */
  readonly reload: (tenant: TenantRecord) => Promise<TenantRecord | undefined>
}

/** Lets in only those tenants whose schema this program can work with. */
export interface SchemaGate {
  /** Whether it has every migration; nothing else is to be asked then. */
  isOpen(tenant: TenantRecord): boolean
  /**
   * What is known of the tenant after it was brought up to date, or as it was where it may be used all the same;
   * `undefined` when it is gone.
   *
   * @throws tenancyErrors.tenantNotReady
   */
  pass(tenant: TenantRecord): Promise<TenantRecord | undefined>
}

type SchemaColumns = Pick<TenantRecord, 'migrationsApplied'>

/** How many of the migrations a tenant lacks, as far as the core database knows; 0 for one that is newer than they are. */
export function lacks({ migrationsApplied }: SchemaColumns, { files }: MigrationSet): number {
  return Math.max(0, files.length - migrationsApplied)
}

export function createSchemaGate({ migrations, policy, maintain, reload }: SchemaGateOptions): SchemaGate {
  const { window, catchUp } = policy
  return {
    isOpen: (tenant) => lacks(tenant, migrations) === 0,
    pass: async (tenant) => {
      if (catchUp && (await catchUp(tenant, maintain))) return await reload(tenant)
      if (lacks(tenant, migrations) > window) throw tenancyErrors.tenantNotReady()
      return tenant
    },
  }
}
