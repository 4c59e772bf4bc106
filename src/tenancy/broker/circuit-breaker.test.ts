import { beforeEach, describe, expect, it } from 'vitest'
import { CircuitBreaker } from './circuit-breaker.ts'

let now = 0
let breaker: CircuitBreaker
let runs = 0
beforeEach(() => {
  now = 1_000
  runs = 0
  breaker = new CircuitBreaker(() => now)
})

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

function attempt(error?: Error): Promise<unknown> {
  return breaker
    .run(async () => {
      runs++
      if (error) throw error
      return 'connected'
    })
    .catch((thrown: Error & { code?: string }) => thrown.code ?? thrown.message)
}

async function breakIt(): Promise<void> {
  for (let failure = 0; failure < 3; failure++) await attempt(refused)
}

describe('CircuitBreaker', () => {
  it('answers for a server that failed three times in a row, without asking it', async () => {
    expect([await attempt(refused), await attempt(refused)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED'])
    expect(breaker.isOpen).toBe(false)
    await attempt(refused)
    expect(breaker.isOpen).toBe(true)
    expect(await attempt()).toBe('database-unavailable')
    expect(runs).toBe(3)
  })

  it('lets one caller try after a pause, and all of them after a success', async () => {
    await breakIt()
    now += 500
    const gate = Promise.withResolvers<string>()
    const probe = breaker.run(() => gate.promise)
    expect(await attempt()).toBe('database-unavailable')
    gate.resolve('connected')
    await expect(probe).resolves.toBe('connected')
    expect(await attempt()).toBe('connected')
    expect(breaker.isOpen).toBe(false)
  })

  it('doubles its pause with every failure, up to a second', async () => {
    await breakIt()
    for (const pause of [500, 1_000, 1_000]) {
      now += pause - 1
      expect(await attempt(refused)).toBe('database-unavailable')
      now += 1
      expect(await attempt(refused)).toBe('ECONNREFUSED')
    }
  })

  it('counts what says that the server is away, and nothing else', async () => {
    for (let failure = 0; failure < 5; failure++) expect(await attempt(new Error('a bug'))).toBe('a bug')
    expect(breaker.isOpen).toBe(false)
    await attempt(refused)
    await attempt(refused)
    await attempt(new Error('an answer'))
    await attempt(refused)
    expect(breaker.isOpen).toBe(false)
  })
})
