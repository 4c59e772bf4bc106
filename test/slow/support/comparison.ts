import { median } from '../../../bench/support/statistics.ts'

/** How two sets of samples, taken in turns, differ. */
export interface Comparison {
  /** Of the first set, in the samples' unit. */
  readonly first: number
  readonly second: number
  /**
   * Median of the ratios of each two samples that were taken one after the other: what slows the machine down slows both,
   * and what slows one of them is one ratio of many.
   */
  readonly ratio: number
  /** Mann-Whitney: how likely ranks at least as far apart are by chance alone; two-sided, 0 to 1. */
  readonly p: number
}

/**
 * Compares two sets of samples.
 *
 * @param first as many as `second`; each was taken beside the one at the same place there
 * @throws Error where they are not as many, or none
 */
export function compare(first: readonly number[], second: readonly number[]): Comparison {
  if (first.length !== second.length) throw new Error(`${first.length} samples beside ${second.length}`)
  const ratios = first.map((one, index) => one / (second[index] ?? Number.NaN))
  return {
    first: median(first),
    second: median(second),
    ratio: median(ratios),
    p: mannWhitney(first, second),
  }
}

/** Whether a ratio says that nobody could tell the two apart over a network: 0.8 to 1.25. */
export function isAlike({ ratio }: Pick<Comparison, 'ratio'>): boolean {
  return ratio >= 0.8 && ratio <= 1.25
}

/**
 * The two-sided p of the Mann-Whitney U test by its normal approximation, with the correction for ties: good from twenty
 * samples on.
 *
 * @see https://en.wikipedia.org/wiki/Mann%E2%80%93Whitney_U_test
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): number {
  const size = first.length + second.length
  const groups = [...Map.groupBy([...first, ...second], (value) => value)].sort(
    ([one], [other]) => one - other,
  )
  const rankOf = new Map<number, number>()
  let ranked = 0
  let ties = 0
  for (const [value, { length }] of groups) {
    // Equal values share the middle of their ranks.
    rankOf.set(value, ranked + (length + 1) / 2)
    ranked += length
    ties += length ** 3 - length
  }
  const ranks = first.reduce((sum, value) => sum + (rankOf.get(value) ?? 0), 0)
  const u = ranks - (first.length * (first.length + 1)) / 2
  const expected = (first.length * second.length) / 2
  const variance = ((first.length * second.length) / 12) * (size + 1 - ties / (size * (size - 1)))
  if (variance === 0) return 1
  return 2 * normalTail(Math.max(0, Math.abs(u - expected) - 0.5) / Math.sqrt(variance))
}

/** How likely a standard normal value is above `z`, from 0 on (Abramowitz and Stegun 26.2.17, error below 1e-7). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial
}
