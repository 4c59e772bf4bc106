import { expect, vi } from 'vitest'
import type { TestPlatform } from './platform.ts'

/** What a test does while it holds a lock in a tenant's database. */
export interface Held {
  /** Looks until so many wait for some lock there, or something is over that should not be. */
  waiting(count: number, orUntil?: Promise<unknown>): Promise<void>
  /** Runs a statement in the transaction that holds the lock. */
  run(statement: string): Promise<unknown>
}

/**
 * Takes a lock in a tenant's database by `statement`, lets `work` start what runs into it, and lets go. Gives what came of
 * all that was started.
 */
export async function whileHeld<const Started extends readonly Promise<unknown>[]>(
  { platform }: TestPlatform,
  tenantId: string,
  statement: string,
  work: (held: Held) => Promise<Started>,
): Promise<{ -readonly [Index in keyof Started]: Awaited<Started[Index]> }> {
  const record = await platform.tenancy.find(tenantId)
  if (!record) throw new Error(`there is no tenant ${tenantId}`)
  return await platform.tenancy.maintain(record, async (connection) => {
    const count = async () => {
      const { rows } = await connection.query<{ count: string }>(
        `SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE NOT granted AND datname = current_database()`,
      )
      return Number(rows[0]?.count)
    }
    const waiting: Held['waiting'] = async (wanted, orUntil) => {
      let isOver = false
      const over = () => {
        isOver = true
      }
      void orUntil?.then(over, over)
      const isSo = async () => isOver || (await count()) >= wanted
      await vi.waitFor(async () => expect(await isSo()).toBe(true), { timeout: 10_000, interval: 10 })
    }
    await connection.query('BEGIN')
    await connection.query(statement)
    const started = await work({ waiting, run: (more) => connection.query(more) })
    await connection.query('COMMIT')
    return (await Promise.all(started)) as { -readonly [Index in keyof Started]: Awaited<Started[Index]> }
  })
}
