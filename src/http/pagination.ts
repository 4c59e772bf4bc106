import { createHmac, timingSafeEqual } from 'node:crypto'
import { type TSchema, Type } from 'typebox'
import { httpErrors } from './errors.ts'
import { Exactly, Nullable } from './schemas.ts'

const DEFAULT_LIMIT = 50
const MAC_BYTES = 16
const MAX_POSITION_BYTES = 256

/** Query parameters of a list that is read in pages: `querystring: Exactly({ ...PageQuery, … })`. */
export const PageQuery = {
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|100)$',
      description: `Most items of the page, 1 to 100; ${DEFAULT_LIMIT} by default.`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]+$',
      minLength: 2 * MAC_BYTES + 2,
      maxLength: 2 * (MAC_BYTES + MAX_POSITION_BYTES),
      description:
        'The `next_cursor` of the page before. It is good for the list that gave it, and no other.',
    }),
  ),
}

/** What a page query holds once it is validated. */
export interface PageQueryValues {
  readonly limit?: string | undefined
  readonly cursor?: string | undefined
}

/** A page as it is answered: `responses({ 200: pageOf(Note, 'NotePage') })`. */
export function pageOf<Item extends TSchema>(item: Item, $id: string) {
  return Exactly({ items: Type.Array(item), next_cursor: Nullable(NextCursor) }, { $id })
}

const NextCursor = Type.String({ description: 'For the next page; null on the last one.' })

/** Writes places in lists as clients carry them, and reads them again. */
export interface Cursors {
  /** @param position where the page ended: the key of its last item, at most 256 bytes */
  write(list: string, position: string): string
  /** @throws httpErrors.validationFailed when it was not written for this list, or was changed */
  read(list: string, cursor: string): string
}

/**
 * Cursors that are signed, so that nobody makes one, and bound to their list, so that one of another list or tenant is
 * refused. They stay good for as long as the key does. In hexadecimal, which has one way to write each and looks like
 * no token.
 *
 * @param key 32 bytes known to the platform alone
 */
export function createCursors(key: Uint8Array): Cursors {
  const macOf = (list: string, position: Uint8Array) =>
    createHmac('sha256', key)
      .update(`${Buffer.byteLength(list)} ${list}`)
      .update(position)
      .digest()
      .subarray(0, MAC_BYTES)
  return {
    write: (list, position) => {
      const bytes = Buffer.from(position)
      return Buffer.concat([macOf(list, bytes), bytes]).toString('hex')
    },
    read: (list, cursor) => {
      const bytes = Buffer.from(cursor, 'hex')
      const position = bytes.subarray(MAC_BYTES)
      const isWhole = bytes.length * 2 === cursor.length && bytes.length > MAC_BYTES
      if (isWhole && timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(list, position)))
        return position.toString()
      throw httpErrors.validationFailed({
        detail: 'This cursor is not one that this list gave. Begin again without it.',
        errors: [{ pointer: '#/query/cursor', code: 'invalid-cursor' }],
      })
    },
  }
}

/** A list that is read in pages. */
export interface PagedList<Item> {
  readonly cursors: Cursors
  /** Names the list, and with it the tenant whose it is: a cursor is good for the same name alone. */
  readonly name: string
  /** Reads items behind a position, or from the begin. */
  readonly read: (after: string | undefined, limit: number) => Promise<readonly Item[]>
  /** Where an item stands: unique, and never changed. */
  readonly positionOf: (item: Item) => string
}

/**
 * Reads the page that a query asks for.
 *
 * @throws httpErrors.validationFailed
 */
export async function readPage<Item>(
  { cursors, name, read, positionOf }: PagedList<Item>,
  { limit: text, cursor }: PageQueryValues,
): Promise<{ items: readonly Item[]; next_cursor: string | null }> {
  const limit = text === undefined ? DEFAULT_LIMIT : Number(text)
  const after = cursor === undefined ? undefined : cursors.read(name, cursor)
  // One more than is shown tells whether there is a next page.
  const found = await read(after, limit + 1)
  const items = found.slice(0, limit)
  const last = items.at(-1)
  const hasMore = found.length > limit && last !== undefined
  return { items, next_cursor: hasMore ? cursors.write(name, positionOf(last)) : null }
}
