import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, isAlike, mannWhitney } from '../slow/support/comparison.ts'

/** The same at every run. */
function noise(seed: number, count: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  })
}

describe('F2 the statistics of times', () => {
  it('know what a book knows', () => {
    // U = 4 of 3 and 3 apart in all ranks but one; tables of the normal approximation say so.
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(0.0122, 3)
    expect(mannWhitney([1, 3, 5, 7], [2, 4, 6, 8])).toBeCloseTo(0.665, 3)
    expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1)
  })

  it('do not care which is first, and are no more sure than certain', () => {
    const samples = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(samples, samples, (one, other) => {
        const p = mannWhitney(one, other)
        expect(p).toBeGreaterThanOrEqual(0)
        expect(p).toBeLessThanOrEqual(1.000_001)
        expect(mannWhitney(other, one)).toBeCloseTo(p, 9)
      }),
    )
  })

  it('take samples of one kind for alike, though the machine grows slower and some are far out', () => {
    const drift = (index: number) => 20 + index / 10 + (index % 50 === 0 ? 400 : 0)
    const [one, other] = [1, 2].map((seed) =>
      noise(seed, 200).map((value, index) => drift(index) + 4 * value),
    )
    const result = compare(one ?? [], other ?? [])
    expect(isAlike(result)).toBe(true)
    expect(result.p).toBeGreaterThan(0.01)
  })

  it.each([0.7, 1.3])('tell times apart that are %f times as long', (factor) => {
    const base = noise(3, 200).map((value) => 20 + 4 * value)
    const other = noise(4, 200).map((value) => factor * (20 + 4 * value))
    const result = compare(other, base)
    expect(isAlike(result)).toBe(false)
    expect(result.p).toBeLessThan(0.001)
    expect(result.ratio).toBeCloseTo(factor, 1)
  })

  it('refuse samples that were not taken in turns', () => {
    expect(() => compare([1, 2], [1])).toThrow('2 samples beside 1')
    expect(() => compare([], [])).toThrow('there is no median of nothing')
  })
})
