import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCursors, type PagedList, readPage } from './pagination.ts'

const cursors = createCursors(randomBytes(32))

/** A list whose items are their own positions, last first. */
function listOf(items: readonly number[]): PagedList<number> {
  const key = (item: number) => String(item).padStart(8, '0')
  return {
    cursors,
    name: 'numbers',
    positionOf: key,
    read: async (after, limit) =>
      [...items]
        .sort((one, other) => other - one)
        .filter((item) => after === undefined || key(item) < after)
        .slice(0, limit),
  }
}

describe('pages', () => {
  it('are together the whole list, without a duplicate or a gap, while items are added in front', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 })
    const growth = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 300 }), sizes, growth, async (length, limits, added) => {
        const items = Array.from({ length }, (_, index) => index)
        const whole = [...items].reverse()
        const seen: number[] = []
        let cursor: string | undefined
        for (let page = 0; ; page++) {
          const limit = limits[page % limits.length] ?? 1
          const { items: found, next_cursor } = await readPage(listOf(items), {
            limit: String(limit),
            cursor,
          })
          expect(found.length).toBeLessThanOrEqual(limit)
          seen.push(...found)
          for (let more = added[page % added.length] ?? 0; more > 0; more--) items.push(items.length)
          if (next_cursor === null) break
          expect(found.length).toBe(limit)
          cursor = next_cursor
        }
        expect(seen).toEqual(whole)
      }),
    )
  })

  it('hold fifty items unless another number is asked for', async () => {
    const list = listOf(Array.from({ length: 51 }, (_, index) => index))
    expect((await readPage(list, {})).items).toHaveLength(50)
    expect(await readPage(list, { limit: '51' })).toMatchObject({ next_cursor: null })
  })
})

describe('a cursor', () => {
  it('gives back its position to its own list, whatever both are called', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1, maxLength: 60 }), (list, position) => {
        const written = Buffer.from(position).toString()
        expect(cursors.read(list, cursors.write(list, position))).toBe(written)
      }),
    )
  })

  it('C19 is refused by every other list, installation and when anything of it was changed', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.string(), fc.string()).filter(([one, other]) => one !== other),
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.integer({ min: 1, max: 15 }),
        ([list, other], position, at, change) => {
          const cursor = cursors.write(list, position)
          const place = at % cursor.length
          const digit = (Number.parseInt(cursor.charAt(place), 16) ^ change).toString(16)
          const changed = cursor.slice(0, place) + digit + cursor.slice(place + 1)
          const refused = expect.objectContaining({ code: 'validation-failed' })
          expect(() => cursors.read(list, changed)).toThrow(refused)
          expect(() => cursors.read(other, cursor)).toThrow(refused)
          expect(() => cursors.read(list, cursor.slice(0, -1))).toThrow(refused)
          expect(() => createCursors(randomBytes(32)).read(list, cursor)).toThrow(refused)
        },
      ),
    )
  })
})
