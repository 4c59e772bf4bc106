import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Backend } from './backend.ts'
import { type Contender, Places, type PlacesOptions } from './places.ts'

const OPTIONS: PlacesOptions = { max: 20, maxWaitMs: 2_000, turnMs: 20, turnOpenings: 4 }

function contender(): Contender {
  return {
    chain: undefined,
    before: undefined,
    after: undefined,
    usable: 0,
    wants: true,
    open: () => undefined,
  }
}

/** Places that are all taken, and so many tenants that wait for one. */
function fullPlaces(waiting: number, options: Partial<PlacesOptions> = {}): Places {
  const places = new Places({ ...OPTIONS, ...options })
  while (places.hasFree) places.take()
  for (let count = 0; count < waiting; count++) places.consider(contender())
  return places
}

/** After how many milliseconds a connection that took `openingMs` to open must make room. */
function turnOf(places: Places, openingMs: number): number {
  const owner = { usable: 1 } as Backend['owner'] // Of its owner nothing else is asked.
  let turn = 0
  while (!places.mustGiveUp({ bornAt: 0, openingMs, owner }, turn)) turn++
  return turn
}

it('a connection that opened quickly is kept for the least turn', () => {
  expect(turnOf(fullPlaces(3), 1)).toBe(20)
})

it('one that took long is kept so many times as long, or opening would cost more than it gives', () => {
  expect(turnOf(fullPlaces(3), 60)).toBe(240)
})

it('nobody gives up what nobody waits for', () => {
  const owner = { usable: 4 } as Backend['owner'] // As above.
  expect(fullPlaces(0).mustGiveUp({ bornAt: 0, openingMs: 1, owner }, 1e9)).toBe(false)
})

it('however long opening takes, all who wait have a turn before the first of them is refused', () => {
  fc.assert(
    fc.property(
      fc.record({
        max: fc.integer({ min: 1, max: 50 }),
        waiting: fc.integer({ min: 1, max: 500 }),
        openingMs: fc.nat(5_000),
      }),
      ({ max, waiting, openingMs }) => {
        const turn = turnOf(fullPlaces(waiting, { max }), openingMs)
        expect(turn).toBeGreaterThanOrEqual(OPTIONS.turnMs)
        const round = (turn * waiting) / max
        if (turn > OPTIONS.turnMs) expect(round).toBeLessThanOrEqual(OPTIONS.maxWaitMs / 4 + waiting / max)
      },
    ),
  )
})
