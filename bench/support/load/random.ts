/** Gives numbers from 0 up to, not including, 1: the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Draws whole numbers from 0 to `count - 1`, number k in proportion to 1 / (k + 1)^exponent, as visits to sites and
 * tenants are spread: few get most of them.
 *
 * @param exponent 0 makes all equally likely; 1.1 gives the first of 500 about a fifth
 */
export function zipf(count: number, exponent: number, random: () => number): () => number {
  const cumulative: number[] = []
  let total = 0
  for (let rank = 1; rank <= count; rank++) {
    total += rank ** -exponent
    cumulative.push(total)
  }
  return () => firstAbove(cumulative, random() * total)
}

/** The index of the first of ascending values that is above a limit. */
function firstAbove(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? 0) > limit) high = middle
    else low = middle + 1
  }
  return low
}
