/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('there is no median of nothing')
  return (low + high) / 2
}

/**
 * The smallest value that at least `share` of the values do not exceed (nearest rank).
 *
 * @param share above 0, up to 1: 0.99 gives the 99th percentile
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  const value = sorted[Math.ceil(share * sorted.length) - 1]
  if (value === undefined) throw new Error('there is no quantile of nothing')
  return value
}

/** One round's pair of figures. */
export interface Pair {
  readonly measured: number
  readonly baseline: number
}

/** What many rounds come to. */
export interface Summary {
  /** Ours. */
  readonly measured: number
  readonly baseline: number
  /** Median over the rounds of ours divided by the baseline of the same round. */
  readonly ratio: number
  readonly rounds: number
}

/** Medians of figures and of their ratio pair by pair, which holds although the machine’s speed drifts. */
export function summarize(pairs: readonly Pair[]): Summary {
  return {
    measured: median(pairs.map((pair) => pair.measured)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: median(pairs.map((pair) => pair.measured / pair.baseline)),
    rounds: pairs.length,
  }
}
