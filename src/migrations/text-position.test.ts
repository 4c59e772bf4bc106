import { describe, expect, it } from 'vitest'
import { excerptAt, lineAt, offsetOfPosition } from './text-position.ts'

describe('places in a text', () => {
  it('T1: counts lines from 1', () => {
    const text = 'a\nbc\n\nd'
    expect([0, 1, 2, 4, 5, 6].map((offset) => lineAt(text, offset))).toEqual([1, 1, 2, 2, 3, 4])
  })

  it('T2: counts characters as PostgreSQL does, not UTF-16 units', () => {
    expect(offsetOfPosition('a😀b', 1)).toBe(0)
    expect(offsetOfPosition('a😀b', 3)).toBe(3)
    expect(offsetOfPosition('ab', 99)).toBe(2)
  })

  it('T3: shows two lines before the place and a caret under it', () => {
    expect(excerptAt('one\ntwo\nthree\n\tfour 😀 five\nsix', 23)).toBe(
      ['2 | two', '3 | three', '4 |  four 😀 five', '  |         ^'].join('\n'),
    )
    expect(excerptAt('one', 0)).toBe('1 | one\n  | ^')
    expect(excerptAt('\n', 0)).toBe('1 |\n  | ^')
  })

  it('T4: cuts a long line around the place', () => {
    const text = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`
    const [line, caret] = excerptAt(text, 500).split('\n')
    expect(line?.length).toBeLessThan(110)
    expect(line?.slice((caret?.length ?? 0) - 1)).toMatch(/^HEREy/)
  })
})
