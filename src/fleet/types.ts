/** What a run does in each tenant's database. `to` is a version: files change while a run is paused. */
export type MigrationAction =
  | { readonly direction: 'up'; readonly to: string }
  | (Down & { readonly to: string })
  | (Down & { readonly steps: number })
  | (Down & { readonly ofRun: string })

interface Down {
  readonly direction: 'down'
  /** Somebody has agreed that it destroys data; otherwise tenants in which it would are left as they are. */
  readonly mayLoseData: boolean
}

/** Why a tenant could not be migrated, with what is needed to mend it. */
export interface TenantFailure {
  readonly code: FailureCode
  /** For a person; holds no values of rows. */
  readonly message: string
  readonly sqlState?: string
  readonly file?: string
  readonly line?: number
  readonly statement?: string
}

/**
 * `locked`: a table was held too long. `busy`: somebody else migrates it at that moment. `unavailable`: its server, `missing-database`: its database
 * is not there. `irreversible`: a file has no way back. `newer-applied`: others were applied on top of what is to go.
 * `data-loss`: it would destroy something, and that was not allowed.
 */
export type FailureCode =
  | 'migration-failed'
  | 'checksum-changed'
  | 'missing-file'
  | 'database-newer'
  | 'irreversible'
  | 'newer-applied'
  | 'data-loss'
  | 'locked'
  | 'busy'
  | 'unavailable'
  | 'missing-database'
  | 'unexpected'
