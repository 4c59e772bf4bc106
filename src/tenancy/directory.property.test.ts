import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runs } from '../../test/support/effort.ts'
import { type Id, type ListenerHandlers, newId } from '../platform/index.ts'
import { TenantDirectory } from './directory.ts'
import type { TenantRecord } from './types.ts'

const IDS = [newId(), newId()]
const AWAY = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

/** A core database, its announcements on their way, and a directory, all driven by hand. */
class World {
  readonly #stored = new Map<Id, number>()
  readonly #delivered = new Map<Id, number>()
  #underway: { id: Id; epoch: number }[] = []
  #slow: (() => void)[] = []
  #isListening = false
  #isAway = false
  #isHasty = false
  #now = 1_000_000
  #handlers: ListenerHandlers | undefined
  readonly #answers: Promise<void>[] = []
  readonly directory = new TenantDirectory({
    clock: { now: () => new Date(this.#now) },
    load: async (id) => {
      const epoch = this.#stored.get(id)
      if (!this.#isHasty) await new Promise<void>((resolve) => this.#slow.push(resolve))
      if (this.#isAway) throw AWAY
      return epoch === undefined ? undefined : tenant(id, epoch)
    },
    listen: (handlers) => {
      this.#handlers = handlers
      return { close: async () => undefined }
    },
  })

  change(id: Id): void {
    const epoch = (this.#stored.get(id) ?? -1) + 1
    this.#stored.set(id, epoch)
    if (this.#isListening) this.#underway.push({ id, epoch })
  }

  /** Delivers one announcement, in whatever order. */
  deliver(at: number): void {
    const [sent] = this.#underway.splice(at % Math.max(this.#underway.length, 1), 1)
    if (!sent) return
    const { id, epoch } = sent
    this.#delivered.set(id, Math.max(epoch, this.#delivered.get(id) ?? -1))
    this.#handlers?.onNotification(`${id} ${epoch}`)
  }

  cut(): void {
    if (!this.#isListening) return
    this.#isListening = false
    this.#underway = []
    this.#handlers?.onLost()
  }

  connect(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#handlers?.onReady()
  }

  finishLoad(at: number): void {
    this.#slow.splice(at % Math.max(this.#slow.length, 1), 1)[0]?.()
  }

  setAway(isAway: boolean): void {
    this.#isAway = isAway
  }

  wait(milliseconds: number): void {
    this.#now += milliseconds
  }

  /** Looks a tenant up; the answer may come much later, but never be older than what was announced before. */
  find(id: Id): void {
    const atLeast = this.#delivered.get(id) ?? -1
    const check = (record: TenantRecord | undefined) =>
      expect(record?.epoch ?? -1).toBeGreaterThanOrEqual(atLeast)
    this.#answers.push(this.directory.find(id).then(check, (error) => expect(error).toBe(AWAY)))
    const peeked = this.directory.peek(id)
    if (peeked) check(peeked)
  }

  /** Everything arrives: then the newest is answered. */
  async settle(): Promise<void> {
    this.#isAway = false
    this.#isHasty = true
    this.connect()
    while (this.#underway.length > 0) this.deliver(0)
    for (const finish of this.#slow.splice(0)) finish()
    await Promise.all(this.#answers)
    for (const id of IDS) expect((await this.directory.find(id))?.epoch).toBe(this.#stored.get(id))
    expect(this.directory.entries.loading).toBe(0)
  }
}

function tenant(id: Id, epoch: number): TenantRecord {
  return {
    id,
    status: 'active',
    serverId: 'server',
    databaseName: `tenant_${id}`,
    epoch,
    credentialsVersion: 0,
    sealedPassword: null,
    sealedPreviousPassword: null,
    schemaVersion: null,
    migrationsApplied: 0,
  }
}

type Step = (world: World) => void

const id = fc.constantFrom(...IDS)
const at = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: id.map(
      (which): Step =>
        (world) =>
          world.find(which),
    ),
  },
  {
    weight: 5,
    arbitrary: id.map(
      (which): Step =>
        (world) =>
          world.change(which),
    ),
  },
  {
    weight: 5,
    arbitrary: at.map(
      (which): Step =>
        (world) =>
          world.deliver(which),
    ),
  },
  {
    weight: 5,
    arbitrary: at.map(
      (which): Step =>
        (world) =>
          world.finishLoad(which),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.connect()) },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.cut()) },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (isAway): Step =>
        (world) =>
          world.setAway(isAway),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(400, 1_000, 60_000).map(
      (ms): Step =>
        (world) =>
          world.wait(ms),
    ),
  },
)

it('no look-up is answered with less than was announced before it, and in the end with the newest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World()
      for (const take of steps) {
        take(world)
        await new Promise(setImmediate)
      }
      await world.settle()
    }),
    { numRuns: runs(500) },
  )
})
