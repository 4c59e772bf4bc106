import type { Id } from '../platform/index.ts'
import { presentEntry } from './schemas.ts'
import { type AnyExecutor, type AuditFilter, type AuditRow, listEntries } from './store.ts'

/** About 200 KB of JSON: what an export holds in memory, however long the log is and however slowly it is read. */
const BATCH = 500

/**
 * The log as NDJSON, oldest first. Each batch is a statement of its own, asked for when the one before was taken: no
 * connection is held while nobody reads.
 */
export async function* exportLines(db: AnyExecutor, filter: AuditFilter): AsyncGenerator<string, void> {
  let after: Id | undefined
  do {
    const batch: readonly AuditRow[] = await listEntries(db, filter, {
      order: 'oldest first',
      after,
      limit: BATCH,
    })
    if (batch.length > 0) yield batch.map(lineOf).join('')
    after = batch.length < BATCH ? undefined : batch.at(-1)?.id
  } while (after !== undefined)
}

/** What would move a terminal's cursor or turn its text around is escaped, so that it can be shown as it is. */
function lineOf(row: AuditRow): string {
  const json = JSON.stringify(presentEntry(row))
  return `${json.replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, escaped)}\n`
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
