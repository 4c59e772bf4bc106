import { setTimeout as pause } from 'node:timers/promises'
import type { Server } from '../../acceptance/support/workspace.ts'
import { changeProfile, type Resident, readProfile } from './house.ts'

/** One user who counts in the own profile, again and again. */
interface Counter {
  readonly resident: Resident
  /** The highest number whose writing was answered with 200. */
  acknowledged: number
  /** The highest number that was sent. */
  sent: number
  /** When the last 200 came, on `performance`'s clock. */
  succeededAt: number
}

const PAUSE_MS = 5

/** Users who write and read without end, each of whom notices when something written is not there. */
export class Load {
  readonly #server: Server
  readonly #counters: readonly Counter[]
  readonly #working: Promise<unknown>
  readonly #answers = new Map<string, number>()
  readonly #problems: string[] = []
  readonly #successes: number[] = []
  #isOver = false

  constructor(server: Server, residents: readonly Resident[]) {
    this.#server = server
    this.#counters = residents.map((resident) => ({ resident, acknowledged: 0, sent: 0, succeededAt: 0 }))
    this.#working = Promise.all(this.#counters.map((counter) => this.#work(counter)))
  }

  /** How often each answer came: a status with its problem's code, or how the connection was lost. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#answers)
  }

  /** What must never be: something acknowledged that was not there, or somebody else's number. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** How often an answer of 200 came to the one who got it least often. */
  get leastAcknowledged(): number {
    return Math.min(...this.#counters.map(({ acknowledged }) => acknowledged))
  }

  /** How often the answer was 503. */
  get refused(): number {
    const counts = [...this.#answers].filter(([answer]) => answer.startsWith('503 '))
    return counts.reduce((sum, [, count]) => sum + count, 0)
  }

  /** When the first 200 came after a moment, on `performance`'s clock. */
  firstSuccessAfter(moment: number): number | undefined {
    return this.#successes.find((at) => at > moment)
  }

  /** Users who had a 200 since a moment. */
  servedSince(moment: number): number {
    return this.#counters.filter(({ succeededAt }) => succeededAt > moment).length
  }

  /** Ends it, and looks whether every acknowledged number is there. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#working
    for (const counter of this.#counters) await this.#read(counter)
  }

  async #work(counter: Counter): Promise<void> {
    while (!this.#isOver) {
      const count = ++counter.sent
      const written = await this.#answer(() =>
        changeProfile(this.#server, counter.resident, { metadata: { count } }),
      )
      if (written) counter.acknowledged = count
      await this.#read(counter)
      await pause(PAUSE_MS)
    }
  }

  async #read(counter: Counter): Promise<void> {
    const body = await this.#answer(() => readProfile(this.#server, counter.resident))
    if (!body) return
    counter.succeededAt = performance.now()
    this.#successes.push(counter.succeededAt)
    const count = body.metadata.count ?? 0
    if (count < counter.acknowledged || count > counter.sent)
      this.#problems.push(`acknowledged ${counter.acknowledged}, sent ${counter.sent}, read ${count}`)
  }

  /** The body of a success. */
  async #answer(ask: () => ReturnType<typeof readProfile>) {
    const reply = await ask().catch((error: Error) => ({ status: 0, body: { code: String(error.cause) } }))
    const answer = reply.status === 200 ? '200' : `${reply.status} ${reply.body.code}`
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1)
    return reply.status === 200 ? reply.body : undefined
  }
}
