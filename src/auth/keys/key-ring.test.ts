import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { type ListenerHandlers, silentLogger } from '../../platform/index.ts'
import type { SigningKey } from './key-pair.ts'
import { LiveKeyRing, type LiveKeyRingOptions } from './key-ring.ts'
import type { KeySet } from './key-set.ts'

const NEVER_MS = 1_000_000_000
const PATIENCE = { timeout: 10_000, interval: 5 }

const kid = () => randomBytes(32).toString('base64url')
const key = (audience: 'core' | 'tenant'): SigningKey => ({
  kid: kid(),
  audience,
  ...generateKeyPairSync('ed25519'),
})
const core = key('core')
const setOf = (...keys: SigningKey[]): KeySet => ({
  byId: new Map([core, ...keys].map((one) => [one.kid, one])),
  signing: { core, tenant: keys.at(-1) ?? core },
  published: [],
  unreadable: [],
})

const old = key('tenant')
const fresh = key('tenant')

let rings: LiveKeyRing[] = []
afterEach(async () => {
  for (const ring of rings) await ring.close()
  rings = []
})

/** A ring whose database is `stored`, and which is told of changes by hand. */
async function openRing(options: Partial<LiveKeyRingOptions> = {}) {
  const rig = {
    stored: setOf(old),
    loads: 0,
    now: new Date('2026-06-01T12:00:00Z'),
    /** Loads wait for it. */
    gate: Promise.resolve(),
    failure: undefined as Error | undefined,
    tell: undefined as ListenerHandlers | undefined,
  }
  const load = async () => {
    rig.loads++
    const seen = rig.stored
    await rig.gate
    if (rig.failure) throw rig.failure
    return seen
  }
  const listen = (handlers: ListenerHandlers) => {
    rig.tell = handlers
    return { close: async () => undefined }
  }
  const clock = { now: () => rig.now }
  const times = { lookMs: NEVER_MS, retryMs: NEVER_MS }
  const ring = await LiveKeyRing.open({ load, listen, clock, log: silentLogger, ...times, ...options })
  rings.push(ring)
  rig.loads = 0
  return { ring, rig }
}

describe('a live key ring', () => {
  it('begins with what there is, and does not begin without', async () => {
    const { ring } = await openRing()
    expect(ring.find(old.kid)).toBe(old)
    expect(ring.signing('tenant')).toBe(old)
    const load = async () => {
      throw new Error('nothing there')
    }
    await expect(openRing({ load })).rejects.toThrow('nothing there')
  })

  it('A18 sees a change that it hears of', async () => {
    const { ring, rig } = await openRing()
    rig.stored = setOf(fresh)
    rig.tell?.onNotification('')
    await expect.poll(() => ring.find(fresh.kid), PATIENCE).toBe(fresh)
    expect(ring.find(old.kid)).toBeUndefined()
  })

  it('sees what changed before it listened', async () => {
    const { ring, rig } = await openRing()
    rig.stored = setOf(fresh)
    rig.tell?.onReady()
    await expect.poll(() => ring.find(fresh.kid), PATIENCE).toBe(fresh)
  })

  it('looks once more when a change is told while it looks', async () => {
    const { ring, rig } = await openRing()
    const gate = Promise.withResolvers<void>()
    rig.gate = gate.promise
    const looked = ring.refresh()
    rig.stored = setOf(fresh)
    for (let told = 0; told < 10; told++) rig.tell?.onNotification('')
    gate.resolve()
    await looked
    expect(ring.find(fresh.kid)).toBe(fresh)
    expect(rig.loads).toBe(2)
  })

  it('looks now and then without having heard anything', async () => {
    const { ring, rig } = await openRing({ lookMs: 10 })
    for (const stored of [fresh, old, fresh]) {
      rig.stored = setOf(stored)
      await expect.poll(() => ring.find(stored.kid), PATIENCE).toBe(stored)
    }
  })

  it('J8 goes on with what it knows while it cannot look, and tries again', async () => {
    const { ring, rig } = await openRing({ retryMs: 10 })
    rig.failure = new Error('away')
    rig.stored = setOf(fresh)
    await ring.refresh()
    await expect.poll(() => rig.loads, PATIENCE).toBeGreaterThan(3)
    expect(ring.signing('tenant')).toBe(old)
    rig.failure = undefined
    await expect.poll(() => ring.signing('tenant'), PATIENCE).toBe(fresh)
  })

  it('looks no more once it is closed', async () => {
    const { ring, rig } = await openRing({ lookMs: 1 })
    await ring.close()
    const { loads } = rig
    await ring.refresh()
    expect(rig.loads).toBe(loads)
  })
})

describe('A4 A22 an unknown key', () => {
  it('that is there is found', async () => {
    const { ring, rig } = await openRing()
    rig.stored = setOf(old, fresh)
    expect(ring.find(fresh.kid)).toBeUndefined()
    expect(await ring.findAfresh(fresh.kid)).toBe(fresh)
  })

  it('makes it look once in 30 seconds, however many come', async () => {
    const { ring, rig } = await openRing()
    const flood = () => Promise.all(Array.from({ length: 1_000 }, () => ring.findAfresh(kid())))
    await flood()
    expect(rig.loads).toBe(1)
    rig.now = new Date(rig.now.getTime() + 29_999)
    await flood()
    expect(rig.loads).toBe(1)
    rig.now = new Date(rig.now.getTime() + 1)
    await flood()
    expect(rig.loads).toBe(2)
    rig.now = new Date(rig.now.getTime() - 86_400_000)
    await flood()
    expect(rig.loads, 'after the clock was set back').toBe(3)
  })

  it('waits for a look that is under way, even when it may not cause one', async () => {
    const { ring, rig } = await openRing()
    await ring.findAfresh(kid())
    const gate = Promise.withResolvers<void>()
    rig.gate = gate.promise
    rig.stored = setOf(old, fresh)
    rig.tell?.onNotification('')
    const found = ring.findAfresh(fresh.kid)
    gate.resolve()
    expect(await found).toBe(fresh)
  })

  it('waits for nothing while the core database is away', async () => {
    const { ring, rig } = await openRing()
    rig.failure = new Error('away')
    await ring.refresh()
    rig.gate = Promise.withResolvers<void>().promise
    const { loads } = rig
    expect(await ring.findAfresh(kid())).toBeUndefined()
    expect(rig.loads).toBe(loads)
  })

  it.each(['', 'x', 'tenant-key', '__proto__', 'constructor', '../../../dev/null', 'x'.repeat(10_000)])(
    'that is no thumbprint causes no look: %j',
    async (made) => {
      const { ring, rig } = await openRing()
      expect(await ring.findAfresh(made)).toBeUndefined()
      expect(ring.find(made)).toBeUndefined()
      expect(rig.loads).toBe(0)
    },
  )
})
