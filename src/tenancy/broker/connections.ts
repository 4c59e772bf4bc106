import type { Backend } from './backend.ts'
import type { Waiter } from './waiter.ts'

/** One database's open connections. */
export class Connections {
  /** Those that take callers, and those that are lent. */
  readonly #serving: Backend[] = []
  /** Those that take nobody any more, until the server has let go of them. */
  readonly #retired = new Set<Backend>()

  /** How many serve callers. */
  get serving(): number {
    return this.#serving.length
  }

  /** How many there are in all. */
  get size(): number {
    return this.#serving.length + this.#retired.size
  }

  /** How many somebody uses. */
  get busy(): number {
    let busy = 0
    for (const backend of this.#all()) if (backend.load > 0) busy++
    return busy
  }

  add(backend: Backend): void {
    this.#serving.push(backend)
  }

  retire(backend: Backend): void {
    this.#serving.splice(this.#serving.indexOf(backend), 1)
    this.#retired.add(backend)
  }

  remove(backend: Backend): void {
    this.#retired.delete(backend)
  }

  /**
   * One on which nothing runs, or for a caller who can share the least loaded one behind which he need not wait long.
   *
   * @param depth most statements under way on one
   */
  choose({ needsUnused }: Waiter, depth: number, now: number): Backend | undefined {
    let best: Backend | undefined
    let least = depth
    for (const backend of this.#serving) {
      const { load } = backend
      if (load === 0) return backend
      if (needsUnused || load >= least || backend.isLent || backend.isSlow(now)) continue
      best = backend
      least = load
    }
    return best
  }

  /** Ends what runs for nobody or has no answer. Gives the retired ones that nobody knows when to expect back. */
  patrol(now: number): readonly Backend[] {
    for (const backend of this.#all()) {
      backend.stopAbandoned(now)
      backend.giveUp(now)
    }
    return [...this.#retired].filter((backend) => backend.isSlow(now))
  }

  /** Retires what is unused too long or open too long; of the busy ones one at a time. */
  sweep(now: number, { idleMs, maxLifeMs }: { readonly idleMs: number; readonly maxLifeMs: number }): void {
    let mayDrain = true
    for (const backend of [...this.#serving]) {
      const isOld = now - backend.bornAt > maxLifeMs
      if (backend.load === 0 && (isOld || now - backend.idleSince > idleMs)) backend.retire()
      else if (isOld && mayDrain) {
        mayDrain = false
        backend.retire()
      }
    }
  }

  retireAll(): void {
    for (const backend of [...this.#serving]) backend.retire()
  }

  /** Closes the retired ones that nobody uses; each resolves when the server has let go of one. */
  closeUnused(): readonly Promise<void>[] {
    const unused = [...this.#retired].filter(({ load, isCleaning }) => load === 0 || isCleaning)
    return unused.map((backend) => backend.close())
  }

  #all(): readonly Backend[] {
    return [...this.#serving, ...this.#retired]
  }
}
