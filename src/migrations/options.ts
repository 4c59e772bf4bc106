/** Something that a person who watches would want to know. */
export interface MigrationEvent {
  readonly kind: 'waiting' | 'applied' | 'reverted' | 'retrying' | 'repaired' | 'notice'
  readonly message: string
  /** The file's version; absent for what concerns the whole run. */
  readonly version?: string
}

/** Takes events while the engine works; must not throw. */
export type Log = (event: MigrationEvent) => void

/** What both directions take. */
export interface EngineOptions {
  /** Longest wait for the migration lock of this database, in milliseconds. Default 30,000; 0 tries once. */
  readonly lockTimeoutMs?: number | undefined
  /**
   * Longest wait of one statement for a table lock, in milliseconds (`lock_timeout`). Default 2,000: a
   * statement that waits for ACCESS EXCLUSIVE makes everybody behind it wait. The file is tried four times
   * before it fails.
   */
  readonly tableLockTimeoutMs?: number | undefined
  /** Default: says nothing. */
  readonly log?: Log | undefined
  /** The run over many databases that this belongs to (a UUID): the ledger keeps it with what is applied. */
  readonly runId?: string | undefined
  /**
   * Called behind the migration lock, before anything is changed. What it throws ends the call: a run that was taken
   * over by another process stops here, and cannot pass any more, because the other waits for the lock.
   */
  readonly guard?: (() => Promise<void>) | undefined
}

/** Options with their defaults filled in. */
export interface EngineSettings {
  readonly lockTimeoutMs: number
  readonly tableLockTimeoutMs: number
  readonly log: Log
  readonly runId: string | undefined
  readonly guard: () => Promise<void>
}

/** Fills in the defaults. */
export function settingsOf(options: EngineOptions): EngineSettings {
  return {
    lockTimeoutMs: options.lockTimeoutMs ?? 30_000,
    tableLockTimeoutMs: options.tableLockTimeoutMs ?? 2_000,
    log: options.log ?? (() => undefined),
    runId: options.runId,
    guard: options.guard ?? (async () => undefined),
  }
}
