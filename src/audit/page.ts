import type { Static } from 'typebox'
import { type Cursors, readPage } from '../http/index.ts'
import type { Id } from '../platform/index.ts'
import { type ListQuery, presentEntry, readFilter } from './schemas.ts'
import { type AnyExecutor, listEntries } from './store.ts'

/** How cursors call an organization's log, whoever reads it. */
export function nameOfLog({ tenantId }: { readonly tenantId: Id }): string {
  return `audit ${tenantId}`
}

/**
 * The page of a log that a query asks for, newest first.
 *
 * @param name of the log in cursors
 * @throws httpErrors.validationFailed
 */
export async function readEntries(
  db: AnyExecutor,
  name: string,
  cursors: Cursors,
  query: Static<typeof ListQuery>,
) {
  const filter = readFilter(query)
  const list = {
    cursors,
    name,
    read: (after: string | undefined, limit: number) =>
      listEntries(db, filter, { order: 'newest first', after, limit }),
    positionOf: ({ id }: { readonly id: string }) => id,
  }
  const { items, next_cursor } = await readPage(list, query)
  return { items: items.map(presentEntry), next_cursor }
}
