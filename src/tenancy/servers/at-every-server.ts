import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 3_000

/**
 * Waits for what was begun at several servers at the same time, but only a few seconds: one that falls silent in the middle
 * of it does not keep the others from their next turn. What it was asked for goes on.
 *
 * @param works one for each server, each of which says whether anything was done, and none of which may reject
 * @returns whether anything was done so far
 */
export async function atEveryServer(works: readonly Promise<boolean>[]): Promise<boolean> {
  let isAnythingDone = false
  const all = Promise.all(
    works.map(async (work) => {
      if (await work) isAnythingDone = true
    }),
  )
  const patience = new AbortController()
  const { signal } = patience
  await Promise.race([all, sleep(PATIENCE_MS, undefined, { signal, ref: false }).catch(() => undefined)])
  patience.abort()
  return isAnythingDone
}
