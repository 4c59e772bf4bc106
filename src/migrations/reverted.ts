import type { Connection } from '../platform/index.ts'
import { LEDGER_EXISTS } from './ledger.ts'

/** Versions that a run over many databases has taken back in this one, in the order in which it did. */
export async function revertedBy(connection: Connection, runId: string): Promise<string[]> {
  const { rows: found } = await connection.query<{ present: boolean }>(LEDGER_EXISTS)
  if (!found[0]?.present) return []
  // Through to_jsonb, as in READ_LEDGER.
  const { rows } = await connection.query<{ version: string }>(
    `SELECT version FROM tenantry.migration_history AS history
     WHERE direction = 'down' AND to_jsonb(history) ->> 'run_id' = $1 ORDER BY id`,
    [runId],
  )
  return rows.map(({ version }) => version)
}
