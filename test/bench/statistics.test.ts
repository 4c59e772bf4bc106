import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, quantile, summarize } from '../../bench/support/statistics.ts'

const figures = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1 })

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([7])).toBe(7)
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 1, 100, 2])).toBe(6)
    // Numbers, not texts, are put in order.
    expect(median([100, 9, 20])).toBe(20)
  })

  it('has as many values on either side, in whatever order they come, and leaves them as they are', () => {
    fc.assert(
      fc.property(figures, (values) => {
        const before = [...values]
        const middle = median(values)
        expect(values).toEqual(before)
        expect(median(values.toReversed())).toBe(middle)
        const half = values.length / 2
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(half)
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(half)
      }),
    )
  })

  it('does not exist of nothing', () => {
    expect(() => median([])).toThrow()
  })
})

describe('summarize', () => {
  it('compares round by round, so that a machine that slows down changes nothing', () => {
    // Each round ours takes twice the time; from round to round everything takes ten times as long.
    const pairs = [1, 10, 100].map((slowness) => ({ measured: 2 * slowness, baseline: slowness }))
    expect(summarize(pairs)).toEqual({ measured: 20, baseline: 10, ratio: 2, rounds: 3 })
  })

  it('is not moved by one bad round', () => {
    const pairs = [
      { measured: 100, baseline: 100 },
      { measured: 1, baseline: 100 },
      { measured: 100, baseline: 100 },
    ]
    expect(summarize(pairs).ratio).toBe(1)
  })
})

describe('quantile', () => {
  it('is the smallest value that the share of values does not exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index)
    expect(quantile(values, 0.5)).toBe(100)
    expect(quantile(values, 0.99)).toBe(198)
    expect(quantile(values, 1)).toBe(200)
    expect(quantile([7], 0.01)).toBe(7)
  })

  it('has the share of values at or below it, and fewer below', () => {
    fc.assert(
      fc.property(figures, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const value = quantile(values, share)
        const wanted = share * values.length
        expect(values.filter((other) => other <= value).length).toBeGreaterThanOrEqual(wanted)
        expect(values.filter((other) => other < value).length).toBeLessThan(wanted)
      }),
    )
  })

  it('does not exist of nothing', () => {
    expect(() => quantile([], 0.5)).toThrow()
  })
})
