import type { Id } from '../../platform/index.ts'
import type { EndedTurn } from './store.ts'

/** A turn has the time at which its record was begun, and is seen a moment later: what is newer than this may still come. */
export const SETTLED_MS = 5_000

/** Which turns of a run were seen: those of the last seconds one by one, all others by their time. */
export class TurnLog {
  readonly #seen = new Map<Id, number>()
  #newest: Date

  /** @param newest when the last turn that was seen ended */
  constructor(newest = new Date(0)) {
    this.#newest = newest
  }

  /** When the newest turn ended. */
  get cursor(): Date {
    return this.#newest
  }

  /** Gives those that are new. */
  take(turns: readonly EndedTurn[]): EndedTurn[] {
    const unseen = turns.filter(
      ({ tenantId, finishedAt }) => this.#seen.get(tenantId) !== finishedAt.getTime(),
    )
    for (const { tenantId, finishedAt } of unseen) {
      this.#seen.set(tenantId, finishedAt.getTime())
      if (finishedAt > this.#newest) this.#newest = finishedAt
    }
    return unseen
  }

  /** Forgets what is not asked for any more. */
  forget(): void {
    const oldest = settled(this.#newest).getTime()
    for (const [tenantId, at] of this.#seen) if (at < oldest) this.#seen.delete(tenantId)
  }
}

/** The time before which nothing comes any more, when what ended at `newest` was seen. */
export function settled(newest: Date): Date {
  return new Date(newest.getTime() - SETTLED_MS)
}
