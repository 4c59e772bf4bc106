import { beforeEach, describe, expect, it } from 'vitest'
import { type Id, type ListenerHandlers, newId } from '../platform/index.ts'
import { TenantDirectory } from './directory.ts'
import type { TenantRecord } from './types.ts'

const ID = newId()
const AWAY = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

let now: number
let handlers: ListenerHandlers
let directory: TenantDirectory
/** What the core database holds. */
let stored: Map<Id, TenantRecord>
let isAway: boolean
let loads: number
/** While set, loads have read what they read but come back only when it is resolved. */
let gate: PromiseWithResolvers<void> | undefined

beforeEach(() => {
  now = 1_000_000_000
  stored = new Map([[ID, tenant(ID, 3)]])
  isAway = false
  loads = 0
  gate = undefined
  directory = new TenantDirectory({
    clock: { now: () => new Date(now) },
    load: async (id) => {
      loads++
      const read = stored.get(id)
      await gate?.promise
      if (isAway) throw AWAY
      return read && { ...read }
    },
    listen: (given) => {
      handlers = given
      return { close: async () => undefined }
    },
  })
})

function tenant(id: Id, epoch: number): TenantRecord {
  return {
    id,
    status: 'active',
    serverId: '00000000-0000-7000-8000-000000000001',
    databaseName: `tenant_${id}`,
    epoch,
    credentialsVersion: 1,
    sealedPassword: 'sealed',
    sealedPreviousPassword: null,
    schemaVersion: '20990101000000',
    migrationsApplied: 1,
  }
}

const change = (epoch: number, id = ID) => void stored.set(id, tenant(id, epoch))
const announce = (epoch: number, id = ID) => handlers.onNotification(`${id} ${epoch}`)
const epochOf = async (id = ID) => (await directory.find(id))?.epoch

describe('a known tenant', () => {
  it('is answered without a load, for a minute while changes are announced', async () => {
    handlers.onReady()
    await directory.find(ID)
    now += 59_999
    expect(directory.peek(ID)).toMatchObject({ epoch: 3 })
    expect(await epochOf()).toBe(3)
    expect(loads).toBe(1)
    now += 1
    expect(directory.peek(ID)).toBeUndefined()
    expect(await epochOf()).toBe(3)
    expect(loads).toBe(2)
  })

  it.each([
    ['never connected', () => undefined],
    ['was cut', () => handlers.onLost()],
  ])('is answered for a second only while the listener %s', async (_, happen) => {
    happen()
    await directory.find(ID)
    now += 999
    expect(directory.peek(ID)).toBeDefined()
    now += 1
    expect(directory.peek(ID)).toBeUndefined()
  })

  it('stays the same object as long as nothing changed, and is another one after a change of any field', async () => {
    const first = await directory.find(ID)
    now += 1_000
    expect(await directory.find(ID)).toBe(first)
    stored.set(ID, { ...tenant(ID, 3), sealedPreviousPassword: 'older' })
    now += 1_000
    expect(await directory.find(ID)).toMatchObject({ sealedPreviousPassword: 'older' })
  })

  it('J20 does not outlive a clock that is set back', async () => {
    await directory.find(ID)
    now -= 3_600_000
    change(4)
    expect(directory.peek(ID)).toBeUndefined()
    expect(await epochOf()).toBe(4)
  })
})

describe('an announcement', () => {
  beforeEach(() => handlers.onReady())

  it('drops what is older, and nothing else', async () => {
    await directory.find(ID)
    for (const epoch of [3, 2]) announce(epoch)
    announce(9, newId())
    expect(directory.peek(ID)).toBeDefined()
    change(4)
    announce(4)
    expect(directory.peek(ID)).toBeUndefined()
    expect(await epochOf()).toBe(4)
    expect(loads).toBe(2)
  })

  it('makes a tenant known that was unknown', async () => {
    const id = newId()
    expect(await directory.find(id)).toBeUndefined()
    change(0, id)
    expect(await directory.find(id)).toBeUndefined()
    announce(0, id)
    expect(await epochOf(id)).toBe(0)
  })

  it('makes a deleted tenant unknown', async () => {
    await directory.find(ID)
    stored.delete(ID)
    announce(4)
    expect(await directory.find(ID)).toBeUndefined()
  })

  it.each(['', 'x', ID, `${ID} `, `${ID} x`, `${ID} -1`, `${ID} 1e9`, ' 9', `${ID.toUpperCase()} 9`])(
    'that is none does nothing: %j',
    async (payload) => {
      await directory.find(ID)
      handlers.onNotification(payload)
      expect(directory.peek(ID)).toBeDefined()
    },
  )
})

describe('a load that runs while the tenant changes', () => {
  beforeEach(() => handlers.onReady())

  /** A look-up that has read what was stored, and waits. */
  function slowFind(id = ID): { found: Promise<TenantRecord | undefined>; finish(): void } {
    const own = Promise.withResolvers<void>()
    gate = own
    const found = directory.find(id)
    gate = undefined
    return { found, finish: own.resolve }
  }

  it('is neither remembered nor answered, but made once more', async () => {
    const slow = slowFind()
    change(4)
    announce(4)
    slow.finish()
    expect(await slow.found).toMatchObject({ epoch: 4 })
    expect(directory.peek(ID)).toMatchObject({ epoch: 4 })
    expect(loads).toBe(2)
  })

  it('is not waited for by those who come after the announcement, and does not undo what they read', async () => {
    const slow = slowFind()
    change(4)
    announce(4)
    expect(await epochOf()).toBe(4)
    slow.finish()
    expect(await slow.found).toMatchObject({ epoch: 4 })
    expect(directory.peek(ID)).toMatchObject({ epoch: 4 })
    expect(loads).toBe(2)
  })

  it('is good enough where it has read the change already', async () => {
    change(4)
    const slow = slowFind()
    announce(4)
    slow.finish()
    expect(await slow.found).toMatchObject({ epoch: 4 })
    expect(loads).toBe(1)
  })

  it('that found nothing is made once more when the tenant was born meanwhile', async () => {
    const id = newId()
    const slow = slowFind(id)
    change(0, id)
    announce(0, id)
    slow.finish()
    expect(await slow.found).toMatchObject({ epoch: 0 })
  })

  it('is made once more after a change in this process, which nobody announced yet', async () => {
    const slow = slowFind()
    change(4)
    directory.invalidate(ID)
    slow.finish()
    expect(await slow.found).toMatchObject({ epoch: 4 })
  })

  it('is made three times at most, however often the tenant changes, and remembered never', async () => {
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    gate = gates[0]
    const found = directory.find(ID)
    for (const [index, own] of gates.slice(0, 3).entries()) {
      await expect.poll(() => loads).toBe(index + 1)
      change(4 + index)
      announce(4 + index)
      gate = gates[index + 1]
      own.resolve()
    }
    expect(await found).toMatchObject({ epoch: 5 })
    expect(loads).toBe(3)
    expect(directory.peek(ID)).toBeUndefined()
  })

  it.each(['onLost', 'onReady'] as const)('is not remembered past %s', async (event) => {
    const slow = slowFind()
    handlers[event]()
    change(4)
    expect(await epochOf()).toBe(4)
    slow.finish()
    await slow.found
    expect(directory.peek(ID)).toMatchObject({ epoch: 4 })
  })

  it('H17 is shared by all who ask meanwhile', async () => {
    const slow = slowFind()
    const others = Array.from({ length: 50 }, () => directory.find(ID))
    slow.finish()
    expect(new Set(await Promise.all([slow.found, ...others])).size).toBe(1)
    expect(loads).toBe(1)
  })
})

describe('a listener that was cut', () => {
  it('makes everything be loaded afresh, when it goes and when it comes back', async () => {
    const stranger = newId()
    handlers.onReady()
    for (const event of ['onLost', 'onReady'] as const) {
      await directory.find(ID)
      await directory.find(stranger)
      const before = loads
      handlers[event]()
      expect(directory.entries).toEqual({ known: 1, unknown: 0, loading: 0 })
      await directory.find(ID)
      await directory.find(stranger)
      expect(loads - before).toBe(2)
    }
  })
})

describe('J8 while the core database is away', () => {
  beforeEach(async () => {
    handlers.onReady()
    await directory.find(ID)
    handlers.onLost()
    isAway = true
  })

  it('what was known is answered, and tried again once a second only', async () => {
    for (let second = 1; second <= 5; second++) {
      for (let times = 0; times < 10; times++) expect(await epochOf()).toBe(3)
      expect(loads).toBe(1 + second)
      now += 1_000
    }
  })

  it('a known tenant does not wait for what may take long to fail', async () => {
    await directory.find(ID)
    now += 1_000
    gate = Promise.withResolvers()
    expect(await epochOf()).toBe(3)
    expect(directory.entries.loading).toBe(1)
    gate.resolve()
  })

  it('what was not known fails, and so does what was announced to be outdated', async () => {
    await expect(directory.find(newId())).rejects.toBe(AWAY)
    announce(4)
    await expect(directory.find(ID)).rejects.toBe(AWAY)
  })

  it('an announcement during the failing load counts, too', async () => {
    gate = Promise.withResolvers()
    const found = directory.find(ID)
    announce(4)
    gate.resolve()
    await expect(found).rejects.toBe(AWAY)
  })

  it('a bug of ours is not taken for an absence', async () => {
    const broken = new TenantDirectory({
      clock: { now: () => new Date(now) },
      load: () => Promise.reject(new TypeError('bug')),
    })
    await expect(broken.find(ID)).rejects.toThrow('bug')
  })

  it('changes are seen as soon as it is back', async () => {
    await directory.find(ID)
    isAway = false
    change(4)
    handlers.onReady()
    expect(await epochOf()).toBe(4)
  })

  it('an id that was unknown is asked for again after its time', async () => {
    isAway = false
    const id = newId()
    await directory.find(id)
    isAway = true
    expect(await directory.find(id)).toBeUndefined()
    now += 1_000
    await expect(directory.find(id)).rejects.toBe(AWAY)
  })
})

describe('I4 memory', () => {
  it('100,000 made-up ids take the places of 1,000, each is asked for once, and known tenants stay', async () => {
    handlers.onReady()
    await directory.find(ID)
    let last: Id[] = []
    for (let batch = 0; batch < 100; batch++) {
      last = Array.from({ length: 1_000 }, newId)
      await Promise.all(last.map((id) => directory.find(id)))
      expect(directory.entries).toEqual({ known: 1, unknown: 1_000 * Math.min(batch + 1, 1), loading: 0 })
    }
    for (const id of last) await directory.find(id)
    for (let index = 0; index < 1_000; index++) announce(1, newId())
    expect(loads).toBe(100_001)
    expect(directory.entries).toEqual({ known: 1, unknown: 1_000, loading: 0 })
    expect(directory.peek(ID)).toBeDefined()
  })

  it('tenants take 10,000 places, those not used for longest first to go', async () => {
    handlers.onReady()
    const ids = Array.from({ length: 10_000 }, newId)
    for (const id of ids) change(1, id)
    await directory.find(ID)
    for (const id of ids.slice(1)) await directory.find(id)
    expect(directory.peek(ID)).toBeDefined()
    await directory.find(ids[0] ?? '')
    expect(directory.entries.known).toBe(10_000)
    expect(directory.peek(ID)).toBeDefined()
    expect(directory.peek(ids[1] ?? '')).toBeUndefined()
  })
})
