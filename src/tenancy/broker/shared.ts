import type { BrokerOptions } from './options.ts'
import type { Places } from './places.ts'

/** What all lanes of one broker share. */
export interface Shared {
  readonly options: Required<BrokerOptions>
  readonly places: Places
  /** Callers in line, in all lanes. */
  waiting: number
  isClosed: boolean
  /** Somebody uses a connection, or waits: time matters from now on. */
  wake(): void
  /** This database's lane has neither connections nor callers. */
  forget(database: string): void
}
