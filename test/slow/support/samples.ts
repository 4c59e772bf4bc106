import { expect } from 'vitest'
import { compare, isAlike } from './comparison.ts'

/** Something whose time a stranger could take. */
export interface Case {
  readonly name: string
  /** Makes what one sample needs, outside of its time, and gives the request. */
  prepare(): Promise<() => Promise<unknown>>
}

export const SAMPLES = 200
const WARM_UP = 10

/**
 * Takes the time of each case, one request after another, the cases in turns and in a turning order.
 *
 * @returns milliseconds by the case's name
 */
export async function sample(cases: readonly Case[], samples = SAMPLES): Promise<Map<string, number[]>> {
  const times = new Map(cases.map(({ name }) => [name, [] as number[]]))
  for (let round = -WARM_UP; round < samples; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const one = cases[(((round + turn) % cases.length) + cases.length) % cases.length] as Case
      const request = await one.prepare()
      const began = performance.now()
      await request()
      if (round >= 0) times.get(one.name)?.push(performance.now() - began)
    }
  }
  return times
}

/** Prints how each case stands beside the first, and fails where one could be told from it. */
export async function expectAlike(title: string, cases: readonly Case[]): Promise<void> {
  const times = await sample(cases)
  const [[reference, base] = ['', [] as number[]], ...others] = [...times]
  const compared = others.map(([name, ms]) => ({ name, ...compare(ms, base) }))
  process.stdout.write(`${title}, beside ${reference}\n`)
  for (const { name, first, second, ratio, p } of compared)
    process.stdout.write(
      `  ${name}: ${first.toFixed(2)} ms beside ${second.toFixed(2)} ms, ratio ${ratio.toFixed(3)}, p ${p.toFixed(3)}\n`,
    )
  expect(compared.filter((one) => !isAlike(one))).toEqual([])
}
