import { type Id, type Logger, runInContext } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { listRuns, type RunSummary } from '../runs/store.ts'
import { presentRunBody, presentRunProgress, type RunProgress } from '../schemas.ts'
import { Speed } from './speed.ts'
import { type EndedTurn, endedTurns, findLastEnd } from './store.ts'
import { settled, TurnLog } from './turn-log.ts'

/** What became known of a run. `end`: nothing more will be told of it. */
export type News =
  | { readonly kind: 'progress' | 'end'; readonly progress: RunProgress; readonly cursor: Date }
  | { readonly kind: 'turns'; readonly turns: readonly EndedTurn[] }

export type Listener = (news: News) => void

/** Where a run stands when somebody begins to listen; what comes later, the listener hears. */
export interface Subscription {
  readonly progress: RunProgress
  /** When the newest turn ended of which the listener will not hear. */
  readonly cursor: Date
  leave(): void
}

export interface FeedOptions {
  readonly core: CoreDb
  readonly log: Logger
  /** Milliseconds. */
  readonly now: () => number
  /** How often the core database is asked, in milliseconds. */
  readonly everyMs: number
  /**
   * How long a run has to be seen without a sign of life before it counts as over, in milliseconds: when the core database
   * was away, a process that is there needs a moment to say so.
   */
  readonly silenceMs: number
}

/** Looks at one run for all who listen, for as long as somebody does and the run goes on. */
export class RunFeed {
  readonly #runId: Id
  readonly #options: FeedOptions
  readonly #onStop: () => void
  readonly #listeners = new Set<Listener>()
  readonly #speed = new Speed()
  #first: Promise<void> | undefined
  #turns: TurnLog | undefined
  #progress: RunProgress | undefined
  /** What the last look at the turns was for: with the same there is nothing new. */
  #mark = ''
  #told = ''
  #silentSince: number | undefined
  #isAway = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  /** @param onStop hears that nobody listens any more, or that the run is over */
  constructor(runId: Id, options: FeedOptions, onStop: () => void) {
    this.#runId = runId
    this.#options = options
    this.#onStop = onStop
  }

  /**
   * Tells a listener, from now on, what changes. It may hear things before this resolves.
   *
   * @returns `undefined` where there is no such run
   * @throws what the core database answers
   */
  async join(listener: Listener): Promise<Subscription | undefined> {
    this.#listeners.add(listener)
    const leave = () => this.#leave(listener)
    try {
      // In a context of its own: it goes on when the request that was first is over.
      this.#first ??= runInContext({}, () => this.#begin())
      await this.#first
    } catch (error) {
      leave()
      throw error
    }
    if (this.#progress && this.#turns) return { progress: this.#progress, cursor: this.#turns.cursor, leave }
    leave()
    return undefined
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.#stop()
  }

  async #begin(): Promise<void> {
    await this.#look()
    this.#wait()
  }

  #wait(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#lookAgain(), this.#options.everyMs)
    this.#timer.unref()
  }

  #stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#onStop()
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#look()
      this.#isAway = false
    } catch (error) {
      const line = { err: error, run_id: this.#runId }
      if (!this.#isAway) this.#options.log.warn(line, 'a run that is watched could not be looked at')
      this.#isAway = true
    }
    this.#wait()
  }

  async #look(): Promise<void> {
    const [summary] = await listRuns(this.#options.core, { id: this.#runId })
    if (!summary) return this.#end()
    await this.#lookAtTurns(summary)
    this.#speed.note(summary.done + summary.failed + summary.left, this.#options.now())
    this.#tellProgress(summary)
    if (this.#isOver()) this.#end()
  }

  /** After the run itself: whoever hears that it is over has heard of every turn. */
  async #lookAtTurns({ run, done, failed, left }: RunSummary): Promise<void> {
    const mark = [run.updatedAt.getTime(), done, failed, left].join(' ')
    if (mark === this.#mark) return
    const { core } = this.#options
    const isFirst = this.#turns === undefined
    this.#turns ??= new TurnLog(await findLastEnd(core, this.#runId))
    for await (const page of endedTurns(core, this.#runId, settled(this.#turns.cursor))) {
      const turns = this.#turns.take(page)
      if (!isFirst && turns.length > 0) this.#tell({ kind: 'turns', turns })
    }
    this.#turns.forget()
    this.#mark = mark
  }

  /** The speed alone is no news. */
  #tellProgress(summary: RunSummary): void {
    this.#progress = presentRunProgress(summary, this.#speed.perSecond)
    const text = JSON.stringify(presentRunBody(summary))
    if (text !== this.#told && this.#told !== '') this.#tellOf('progress')
    this.#told = text
  }

  #isOver(): boolean {
    const status = this.#progress?.status
    if (status !== 'interrupted') {
      this.#silentSince = undefined
      return status !== 'running'
    }
    const now = this.#options.now()
    this.#silentSince ??= now
    return now - this.#silentSince >= this.#options.silenceMs
  }

  #end(): void {
    this.#tellOf('end')
    this.#stop()
  }

  #tellOf(kind: 'progress' | 'end'): void {
    if (!this.#progress || !this.#turns) return
    this.#tell({ kind, progress: this.#progress, cursor: this.#turns.cursor })
  }

  #tell(news: News): void {
    for (const listener of this.#listeners) listener(news)
  }
}
