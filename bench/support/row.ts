/** What a figure must reach (`>=`) or must not exceed (`<=`). */
export interface Bound {
  readonly compare: '>=' | '<='
  readonly value: number
}

/** One line of the report. */
export interface Row {
  readonly name: string
  /** The baseline in words; empty where a figure stands for itself. */
  readonly against: string
  readonly unit: string
  /** Ours. */
  readonly measured: number
  readonly baseline?: number
  /** Ours divided by the baseline. Bounds apply to it, and to `measured` where it is missing. */
  readonly ratio?: number
  /** What is promised. */
  readonly atLeast?: Bound
  /** What is hoped for. */
  readonly aim?: Bound
  /** Pairs of measurements that the figures are medians of. */
  readonly rounds: number
  /** What the reader must know besides, such as a baseline that was not there. */
  readonly note?: string
}

/** At most `value`. */
export function atMost(value: number): Bound {
  return { compare: '<=', value }
}

/** At least `value`. */
export function atLeast(value: number): Bound {
  return { compare: '>=', value }
}

/** Whether a row keeps one of its bounds. */
export function meets({ ratio, measured }: Row, { compare, value }: Bound): boolean {
  const figure = ratio ?? measured
  return compare === '>=' ? figure >= value : figure <= value
}
