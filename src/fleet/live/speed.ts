/** How far back it is looked: long enough to be steady, short enough to follow a change. */
const WINDOW_MS = 30_000

/** How many tenants a run gets through in a second, from what was seen of it. */
export class Speed {
  readonly #samples: { readonly ended: number; readonly atMs: number }[] = []

  /** @param ended how many tenants had their turn @param atMs on a clock that only grows */
  note(ended: number, atMs: number): void {
    // Resumed: what failed before has another turn.
    if (ended < (this.#samples.at(-1)?.ended ?? 0)) this.#samples.length = 0
    this.#samples.push({ ended, atMs })
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#samples.shift()
  }

  /** Tenants per second; null before it was looked twice. */
  get perSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!first || !last || last.atMs <= first.atMs) return null
    return Math.round(((last.ended - first.ended) * 100_000) / (last.atMs - first.atMs)) / 100
  }
}
