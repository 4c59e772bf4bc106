import { describe, expect, it } from 'vitest'
import { useBroker } from '../../../test/support/broker.ts'

const start = useBroker(1)
type Rig = ReturnType<typeof start>

/** What the next caller finds in the session. */
async function state(rig: Rig) {
  const { rows } = await rig.source(0).query({
    text: `SELECT pg_backend_pid() AS pid, current_setting('search_path') AS path, current_setting('TimeZone') AS zone,
             coalesce(current_setting('app.who', true), '') AS who, current_setting('default_transaction_read_only') AS read_only,
             (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
             (SELECT count(*)::int FROM pg_cursors) AS cursors, to_regclass('pg_temp.hidden') AS hidden, (SELECT count(*)::int FROM pg_listening_channels()) AS channels`,
  })
  return rows[0]
}

const traces = [
  'SET search_path TO nowhere',
  "SET TIME ZONE 'Asia/Kathmandu'",
  "SELECT set_config('app.who', 'somebody', false)",
  'SELECT pg_advisory_lock(4712)',
  'SELECT pg_try_advisory_lock_shared(4712)',
  'LISTEN gossip',
  'DECLARE open_cursor CURSOR WITH HOLD FOR SELECT 1',
  '/* a word before */ DECLARE another_cursor CURSOR WITH HOLD FOR SELECT 1',
  'SELECT 1; SET search_path TO nowhere',
  'DO $$ BEGIN SET search_path TO nowhere; END $$',
  'CREATE TEMPORARY TABLE hidden (id int)',
  '/* a word before */ SET default_transaction_read_only TO on',
]

describe('B14 what one caller does to a session', () => {
  it.each(traces)('is not there for the next: %s', async (text) => {
    const rig = start({ max: 1 })
    const before = await state(rig)
    await rig.source(0).exclusive((connection) => connection.query(text))
    expect(await state(rig)).toEqual(before)
    await rig.source(0).query({ text })
    expect(await state(rig)).toEqual(before)
  })

  it('is undone in one go, and prepared statements stay', async () => {
    const rig = start({ max: 1 })
    const prepared = { name: 'prepared', text: 'SELECT $1::int AS n' }
    await rig.source(0).query(prepared, [1])
    await rig.source(0).exclusive(async (connection) => {
      for (const text of traces) await connection.query(text)
    })
    const { rows } = await rig.source(0).query({ text: 'SELECT name FROM pg_prepared_statements' })
    expect(rows).toEqual([{ name: 'prepared' }])
    await expect(rig.source(0).query(prepared, [2])).resolves.toMatchObject({ rows: [{ n: 2 }] })
    expect(rig.opened).toBe(1)
  })

  it.each(traces)('is not there for those who stand behind him on the same connection: %s', async (text) => {
    const rig = start({ max: 1 })
    const before = await state(rig)
    const [, behind] = await Promise.all([rig.source(0).query({ text }), state(rig)])
    expect(behind).toEqual(before)
  })
})

it('an eviction waits for a clean-up that is under way', async () => {
  const rig = start({ max: 1 })
  await rig.source(0).exclusive((connection) => connection.query('SELECT 1'))
  await rig.broker.evict(rig.name(0))
  expect(await rig.backends()).toBe(0)
})
