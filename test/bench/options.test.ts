import { describe, expect, it } from 'vitest'
import { createEffort } from '../../bench/support/effort.ts'
import { parseOptions, UsageError } from '../../bench/support/options.ts'

const KNOWN = ['hot-path', 'memory', 'cold-tenant']
const parse = (line: string) => parseOptions(line === '' ? [] : line.split(' '), KNOWN)

describe('parseOptions', () => {
  it('measures every row, and no growth, unless told otherwise', () => {
    expect(parse('')).toEqual({
      only: KNOWN,
      rounds: undefined,
      tenants: undefined,
      quick: false,
      growth: false,
    })
  })

  it('takes rows, rounds and short trials', () => {
    expect(parse('--only memory,hot-path --rounds 3 --quick')).toEqual({
      only: ['memory', 'hot-path'],
      rounds: 3,
      tenants: undefined,
      quick: true,
      growth: false,
    })
  })

  it('measures growth alone, or beside chosen rows', () => {
    expect(parse('--growth')).toMatchObject({ only: [], growth: true })
    expect(parse('--growth --only memory')).toMatchObject({ only: ['memory'], growth: true })
  })

  it.each([
    '--rounds 0',
    '--tenants none',
    '--rounds 1.5',
    '--rounds many',
    '--rounds',
    '--only hot-pth',
    '--only',
    '--fast',
    'x',
  ])('refuses %s', (line) => {
    expect(() => parse(line)).toThrow(UsageError)
  })

  it('says which rows there are to somebody who asks for one that is not there', () => {
    expect(() => parse('--only hot-pth')).toThrow('hot-path, memory, cold-tenant')
  })
})

describe('createEffort', () => {
  it('is that of the row, one round in a trial, and what was asked for in any case', () => {
    expect(createEffort({ rounds: undefined, quick: false }).rounds(5)).toBe(5)
    expect(createEffort({ rounds: undefined, quick: true }).rounds(5)).toBe(1)
    expect(createEffort({ rounds: 3, quick: true }).rounds(5)).toBe(3)
  })

  it('is small in a trial', () => {
    expect(createEffort({ rounds: 3, quick: false }).pick(500, 60)).toBe(500)
    expect(createEffort({ rounds: 3, quick: true }).pick(500, 60)).toBe(60)
  })
})
