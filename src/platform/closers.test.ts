import { expect, it } from 'vitest'
import { Closers } from './closers.ts'

it('closes what was opened last first', async () => {
  const closers = new Closers()
  const closed: string[] = []
  for (const name of ['first', 'second', 'third']) closers.push(name, () => void closed.push(name))
  await closers.close()
  expect(closed).toEqual(['third', 'second', 'first'])
})

it('reports one that throws and closes the others', async () => {
  const closers = new Closers()
  const closed: string[] = []
  closers.push('first', () => void closed.push('first'))
  closers.push('broken', () => Promise.reject(new Error('stuck')))
  const failures = await closers.close()
  expect(failures).toMatchObject([{ name: 'broken', error: { message: 'stuck' } }])
  expect(closed).toEqual(['first'])
})

it('N5 does not wait for ever', async () => {
  const closers = new Closers()
  closers.push('hangs', () => new Promise(() => undefined))
  const failures = await closers.close(5)
  expect(failures).toMatchObject([{ name: 'hangs' }])
})

it('closes once, however often it is asked', async () => {
  const closers = new Closers()
  let times = 0
  closers.push('counted', () => void times++)
  await Promise.all([closers.close(), closers.close()])
  await closers.close()
  expect(times).toBe(1)
})
