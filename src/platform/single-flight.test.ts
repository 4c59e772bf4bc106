import { expect, it } from 'vitest'
import { SingleFlight } from './single-flight.ts'

it('H17 loads once for callers that come together', async () => {
  const flights = new SingleFlight<string, number>()
  let loads = 0
  const load = async () => ++loads
  const results = await Promise.all(Array.from({ length: 50 }, () => flights.run('tenant', load)))
  expect(new Set(results)).toEqual(new Set([1]))
  await expect(flights.run('tenant', load)).resolves.toBe(2)
})

it('shares a failure and forgets it', async () => {
  const flights = new SingleFlight<string, string>()
  const failing = () => Promise.reject(new Error('down'))
  const together = await Promise.allSettled([flights.run('a', failing), flights.run('a', failing)])
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(flights.run('a', async () => 'up')).resolves.toBe('up')
})

it('loads afresh past a load that was forgotten', async () => {
  const flights = new SingleFlight<string, string>()
  const stale = Promise.withResolvers<string>()
  const first = flights.run('a', () => stale.promise)
  flights.forget('a')
  await expect(flights.run('a', async () => 'fresh')).resolves.toBe('fresh')
  stale.resolve('stale')
  await expect(first).resolves.toBe('stale')
})
