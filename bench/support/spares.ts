import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

const POLL_MS = 25

/** Spares that wait for an organization, and databases that are being prepared to become such. */
async function counts(core: pg.Client): Promise<{ ready: number; preparing: number }> {
  const { rows } = await core.query<{ ready: number; preparing: number }>(
    `SELECT count(*) FILTER (WHERE status = 'spare')::int AS ready,
            count(*) FILTER (WHERE status = 'preparing')::int AS preparing
     FROM tenants`,
  )
  return rows[0] ?? { ready: 0, preparing: 0 }
}

/** How many spares wait for an organization. */
export async function spareCount(core: pg.Client): Promise<number> {
  return (await counts(core)).ready
}

/**
 * Waits until `wanted` spares are ready and none is in the making, so that nothing runs in the background.
 *
 * @returns `false` when that did not come about within `withinMs`
 */
export async function sparesAreReady(core: pg.Client, wanted: number, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; ; await sleep(POLL_MS)) {
    const { ready, preparing } = await counts(core)
    if (ready >= wanted && preparing === 0) return true
    if (Date.now() > deadline) return false
  }
}
