import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** CONTRIBUTING: small files with one subject. */
const MEDIAN = 80
const NINE_IN_TEN = 200
const MOST = 400

const sizes = globSync('src/**/*.ts')
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length - 1 }))
  .sort((one, other) => one.lines - other.lines)

it('keeps the median file short', () => {
  expect(sizes[Math.floor(sizes.length / 2)]?.lines).toBeLessThanOrEqual(MEDIAN)
})

it('keeps nine files in ten within a few screens', () => {
  expect(sizes[Math.floor(sizes.length * 0.9)]?.lines).toBeLessThanOrEqual(NINE_IN_TEN)
})

it('has no file that is too long to read', () => {
  expect(sizes.filter(({ lines }) => lines > MOST)).toEqual([])
})

it.each(['src/app.ts', 'src/compose.ts'])('%s fits on a screen or two', (path) => {
  expect(sizes.find((file) => file.path === path)?.lines).toBeLessThanOrEqual(120)
})
