import { describe, expect, it } from 'vitest'
import { currentContext, type Logger, runInContext, silentLogger, systemClock } from '../platform/index.ts'
import { type AppEvent, EventEmitter } from './emitter.ts'

interface Catalogue {
  'thing.made': { readonly size: number }
  'thing.lost': { readonly reason: string }
}

const TENANT = '01990000-0000-7000-8000-000000000001'

function emitter(log: Logger = silentLogger) {
  return new EventEmitter<Catalogue>({ clock: systemClock, log })
}

describe('EventEmitter', () => {
  it('hands an event to every handler of its name and to no other', async () => {
    const events = emitter()
    const seen: string[] = []
    events.on('thing.made', 'one', ({ payload }) => void seen.push(`one ${payload.size}`))
    events.on('thing.made', 'two', ({ payload }) => void seen.push(`two ${payload.size}`))
    events.on('thing.lost', 'three', () => void seen.push('three'))
    events.publish('thing.made', { size: 3 })
    await events.settle()
    expect(seen).toEqual(['one 3', 'two 3'])
  })

  it('tells id, time and tenant', async () => {
    const events = emitter()
    const seen: AppEvent[] = []
    events.on('thing.made', 'collect', (event) => void seen.push(event))
    events.publish('thing.made', { size: 1 }, TENANT)
    events.publish('thing.made', { size: 2 })
    await events.settle()
    expect(seen[0]).toMatchObject({ name: 'thing.made', tenantId: TENANT, payload: { size: 1 } })
    expect(seen[0]?.occurredAt).toMatch(/^\d{4}-.*Z$/)
    expect(seen[1]).not.toHaveProperty('tenantId')
    expect(seen[0]?.id).not.toBe(seen[1]?.id)
  })

  it('logs a handler that fails, with its event, and spares publisher and other handlers', async () => {
    const logged: unknown[][] = []
    const log = {
      ...silentLogger,
      error: (...line: unknown[]) => void logged.push(line),
    } as unknown as Logger
    const events = emitter(log)
    const seen: string[] = []
    events.on('thing.made', 'throws', () => {
      throw new Error('handler broken')
    })
    events.on('thing.made', 'rejects', () => Promise.reject(new Error('handler broken too')))
    events.on('thing.made', 'works', () => void seen.push('worked'))
    events.publish('thing.made', { size: 1 })
    await events.settle()
    expect(seen).toEqual(['worked'])
    expect(logged).toHaveLength(2)
    expect(logged[0]?.[0]).toMatchObject({
      handler: 'throws',
      event: { name: 'thing.made', payload: { size: 1 } },
    })
  })

  it('runs handlers in the event’s context: its tenant, and the request that caused it', async () => {
    const events = emitter()
    const contexts: object[] = []
    events.on('thing.made', 'collect', () => void contexts.push(currentContext()))
    runInContext({ request_id: 'r1', user_id: 'u1' }, () => events.publish('thing.made', { size: 1 }, TENANT))
    await events.settle()
    expect(contexts).toEqual([{ request_id: 'r1', tenant_id: TENANT }])
  })

  it('does not run handlers in the publisher’s turn', async () => {
    const events = emitter()
    let ran = false
    events.on('thing.made', 'late', () => {
      ran = true
    })
    events.publish('thing.made', { size: 1 })
    expect(ran).toBe(false)
    await events.settle()
    expect(ran).toBe(true)
  })
})
