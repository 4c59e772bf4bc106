import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom, zipf } from '../../bench/support/load/random.ts'

const sequence = (seed: number, length: number) => {
  const random = seededRandom(seed)
  return Array.from({ length }, random)
}

describe('seededRandom', () => {
  it('gives the same sequence for the same seed, another one for another, always within [0, 1)', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const numbers = sequence(seed, 50)
        expect(sequence(seed, 50)).toEqual(numbers)
        expect(sequence(seed + 1, 50)).not.toEqual(numbers)
        expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
      }),
    )
  })

  it('is spread evenly', () => {
    const numbers = sequence(7, 20_000)
    for (const tenth of Array.from({ length: 10 }, (_, index) => index / 10)) {
      const share =
        numbers.filter((number) => number >= tenth && number < tenth + 0.1).length / numbers.length
      expect(share).toBeGreaterThan(0.09)
      expect(share).toBeLessThan(0.11)
    }
  })
})

describe('zipf', () => {
  it('draws whole numbers of the range, whatever its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(), (count, seed) => {
        const draw = zipf(count, 1.1, seededRandom(seed))
        for (let time = 0; time < 50; time++) {
          const drawn = draw()
          expect(Number.isInteger(drawn) && drawn >= 0 && drawn < count).toBe(true)
        }
      }),
    )
  })

  it('takes both ends of its random numbers', () => {
    expect(zipf(500, 1.1, () => 0)()).toBe(0)
    expect(zipf(500, 1.1, () => 1 - 2 ** -32)()).toBe(499)
  })

  it('draws each in proportion to 1 / rank^exponent', () => {
    const [count, exponent, draws] = [500, 1.1, 200_000]
    const draw = zipf(count, exponent, seededRandom(1))
    const seen = new Array<number>(count).fill(0)
    for (let time = 0; time < draws; time++) {
      const drawn = draw()
      seen[drawn] = (seen[drawn] ?? 0) + 1
    }
    const total = seen.reduce((sum, _, index) => sum + (index + 1) ** -exponent, 0)
    for (const rank of [1, 2, 3, 10, 30]) {
      const expected = (draws * rank ** -exponent) / total
      expect(Math.abs((seen[rank - 1] ?? 0) / expected - 1)).toBeLessThan(0.1)
    }
  })

  it('is even with the exponent 0', () => {
    const draw = zipf(4, 0, seededRandom(1))
    const seen = [0, 0, 0, 0]
    for (let time = 0; time < 8_000; time++) {
      const drawn = draw()
      seen[drawn] = (seen[drawn] ?? 0) + 1
    }
    for (const count of seen) expect(Math.abs(count - 2_000)).toBeLessThan(200)
  })
})
