import { expect, it } from 'vitest'
import { isId, newId } from './ids.ts'

it('C15 makes UUIDs of version 7 that begin with the time', () => {
  const before = Date.now()
  const id = newId()
  expect(isId(id)).toBe(true)
  expect(id[14]).toBe('7')
  const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  expect(time).toBeGreaterThanOrEqual(before)
  expect(time).toBeLessThanOrEqual(Date.now())
})

it('never makes the same one twice', () => {
  const ids = new Set(Array.from({ length: 10_000 }, newId))
  expect(ids.size).toBe(10_000)
})

it.each([
  '0199AAAA-0000-7000-8000-000000000000',
  '{0199aaaa-0000-7000-8000-000000000000}',
  'urn:uuid:0199aaaa-0000-7000-8000-000000000000',
  '0199aaaa000070008000000000000000',
  '0199aaaa-0000-7000-8000-0000000000000',
  ' 0199aaaa-0000-7000-8000-000000000000',
  '',
  'null',
  7,
  null,
  undefined,
  ['0199aaaa-0000-7000-8000-000000000000'],
])('B4 takes %j for no id', (text) => {
  expect(isId(text)).toBe(false)
})
