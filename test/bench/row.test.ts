import { describe, expect, it } from 'vitest'
import { tableLine } from '../../bench/support/report.ts'
import { atLeast, atMost, meets, type Row } from '../../bench/support/row.ts'

const compared = (ratio: number): Row => ({
  name: 'a row',
  against: 'a baseline',
  unit: 'ms',
  measured: ratio * 10,
  baseline: 10,
  ratio,
  rounds: 5,
})

const alone = (measured: number): Row => ({ name: 'heap', against: '', unit: 'KB', measured, rounds: 3 })

describe('meets', () => {
  it.each([
    [0.6, atLeast(0.6), true],
    [0.61, atLeast(0.6), true],
    [0.59, atLeast(0.6), false],
    [0.6, atMost(0.6), true],
    [0.59, atMost(0.6), true],
    [0.61, atMost(0.6), false],
  ] as const)('of a ratio of %d and the bound %o is %s', (ratio, bound, met) => {
    expect(meets(compared(ratio), bound)).toBe(met)
  })

  it('looks at the figure itself where there is no ratio', () => {
    expect(meets(alone(3), atMost(4))).toBe(true)
    expect(meets(alone(5), atMost(4))).toBe(false)
  })
})

describe('tableLine', () => {
  it('says of both bounds whether they are met', () => {
    expect(tableLine({ ...compared(1.5), atLeast: atMost(2), aim: atMost(1.2) })).toMatchObject({
      ours: '15 ms',
      baseline: '10 ms',
      ratio: 1.5,
      'at least': '<= 2x: met',
      aim: '<= 1.2x: NOT MET',
    })
  })

  it('leaves empty what a row has not, and gives bounds of figures their unit', () => {
    expect(tableLine({ ...alone(3.1449), atLeast: atMost(4) })).toMatchObject({
      ours: '3.14 KB',
      baseline: '',
      ratio: '',
      'at least': '<= 4 KB: met',
      aim: '',
    })
  })
})
