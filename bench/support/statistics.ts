/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('there is no median of nothing')
  return (low + high) / 2
}

/** What one row of the report says. */
export interface Row {
  readonly name: string
  readonly unit: string
  /** Ours. */
  readonly measured: number
  readonly baseline: number
  /** Median over the rounds of ours divided by the baseline of the same round. */
  readonly ratio: number
  /** What the ratio must reach (`>=`) or stay under (`<=`). */
  readonly floor: { readonly compare: '>=' | '<='; readonly value: number }
  readonly rounds: number
}

/** One round's pair of figures. */
export interface Pair {
  readonly measured: number
  readonly baseline: number
}

/** Medians of figures and of their ratio pair by pair, which holds although the machine’s speed drifts. */
export function summarize(pairs: readonly Pair[]): Pick<Row, 'measured' | 'baseline' | 'ratio' | 'rounds'> {
  return {
    measured: median(pairs.map((pair) => pair.measured)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: median(pairs.map((pair) => pair.measured / pair.baseline)),
    rounds: pairs.length,
  }
}

export function meetsFloor({ ratio, floor }: Row): boolean {
  return floor.compare === '>=' ? ratio >= floor.value : ratio <= floor.value
}
