/** How many work at the same time. */
export interface PoolOptions<Item> {
  readonly concurrency: number
  /** Most items with the same key at the same time. */
  readonly perKey: number
  readonly keyOf: (item: Item) => string
  /** Asked before each item: with true no other begins, and those that have begun end. */
  readonly isStopped: () => boolean
}

/**
 * Does `work` for each item in their order, some at a time; one whose key is busy lets others pass.
 *
 * @throws the first error that `work` throws, when the others have ended; no other item begins after it
 */
export async function inPool<Item>(
  items: readonly Item[],
  options: PoolOptions<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const { concurrency, perKey, keyOf, isStopped } = options
  const waiting = [...items]
  const busy = new Map<string, number>()
  const running = new Set<Promise<void>>()
  const isFree = (item: Item) => (busy.get(keyOf(item)) ?? 0) < perKey

  let failure: { readonly error: unknown } | undefined

  const begin = (item: Item): void => {
    const key = keyOf(item)
    busy.set(key, (busy.get(key) ?? 0) + 1)
    const done = work(item)
      .catch((error) => {
        failure ??= { error }
      })
      .finally(() => {
        busy.set(key, (busy.get(key) ?? 1) - 1)
        running.delete(done)
      })
    running.add(done)
  }

  for (;;) {
    while (running.size < concurrency && !failure && !isStopped()) {
      const turn = waiting.findIndex(isFree)
      if (turn === -1) break
      for (const item of waiting.splice(turn, 1)) begin(item)
    }
    if (running.size === 0) break
    await Promise.race(running)
  }
  if (failure) throw (failure as { readonly error: unknown }).error
}
