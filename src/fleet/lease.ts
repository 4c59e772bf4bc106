import type { CoreDb } from '../tenancy/index.ts'
import { LeaseLostError } from './errors.ts'
import { type Lease, prolongLease } from './runs/store.ts'

const HEARTBEAT_MS = 2_000

/** A lease that is kept alive until it is released, and knows when somebody else has it. */
export class HeldLease {
  readonly lease: Lease
  readonly #timer: NodeJS.Timeout
  #isLost = false

  constructor(core: CoreDb, lease: Lease) {
    this.lease = lease
    this.#timer = setInterval(() => void this.#prolong(core), HEARTBEAT_MS)
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** @throws LeaseLostError when a statement that asked found the lease to be somebody else's */
  assertHeld(isHeld: boolean): void {
    if (isHeld) return
    this.#isLost = true
    throw new LeaseLostError(this.lease.runId)
  }

  release(): void {
    clearInterval(this.#timer)
  }

  async #prolong(core: CoreDb): Promise<void> {
    // One that fails may be followed by one that does not; nobody can take the run over while the core database is away.
    const isHeld = await prolongLease(core, this.lease).catch(() => true)
    if (!isHeld) this.#isLost = true
  }
}
