/** Releases one resource; given a name so that a slow or failing one can be told from the others. */
export interface Closer {
  readonly name: string
  close(): Promise<void> | void
}

export interface CloseFailure {
  readonly name: string
  readonly error: unknown
}

/**
 * What start-up opens goes on this stack, and shutdown takes it off in reverse: also when start-up fails half-way.
 * A closer that throws or takes longer than its time is reported and does not stop the others.
 */
export class Closers {
  readonly #stack: Closer[] = []
  #closing: Promise<readonly CloseFailure[]> | undefined

  push(name: string, close: () => Promise<void> | void): void {
    this.#stack.push({ name, close })
  }

  /** Closes everything once, last opened first; later calls wait for the same closing. */
  close(timeoutMs = 10_000): Promise<readonly CloseFailure[]> {
    this.#closing ??= this.#closeAll(timeoutMs)
    return this.#closing
  }

  async #closeAll(timeoutMs: number): Promise<readonly CloseFailure[]> {
    const failures: CloseFailure[] = []
    for (let closer = this.#stack.pop(); closer; closer = this.#stack.pop()) {
      try {
        await withDeadline(Promise.resolve(closer.close()), timeoutMs, closer.name)
      } catch (error) {
        failures.push({ name: closer.name, error })
      }
    }
    return failures
  }
}

/**
 * Rejects when `work` takes longer than `timeoutMs`. The work itself goes on: use it only where that is harmless.
 */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
