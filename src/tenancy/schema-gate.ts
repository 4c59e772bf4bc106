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
  /** What is known of it now. */
  readonly find: (tenant: TenantRecord) => Promise<TenantRecord | undefined>
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

type SchemaColumns = Pick<TenantRecord, 'schemaVersion' | 'migrationsApplied'>

/**
 * How many of the migrations a tenant lacks, as far as the core database knows. A file that it holds and that is gone makes
 * up for none that is newer than all of its own.
 */
export function lacks({ schemaVersion, migrationsApplied }: SchemaColumns, set: MigrationSet): number {
  const { files, latest = '' } = set
  const current = schemaVersion ?? ''
  // Asked for every request, and so it is nearly always.
  const later = current >= latest ? 0 : files.filter(({ version }) => version > current).length
  return later + Math.max(0, files.length - later - migrationsApplied)
}

export function createSchemaGate(options: SchemaGateOptions): SchemaGate {
  const { migrations, policy, maintain, find, reload } = options
  const { window, catchUp } = policy
  return {
    isOpen: (tenant) => lacks(tenant, migrations) === 0,
    pass: async (tenant) => {
      if (catchUp && (await catchUp(tenant, maintain))) return await reload(tenant)
      // That took a while, in which it may have been suspended.
      const known = catchUp ? await find(tenant) : tenant
      if (known && lacks(known, migrations) > window) throw tenancyErrors.tenantNotReady()
      return known
    },
  }
}
