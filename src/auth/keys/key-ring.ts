import {
  type Clock,
  type Listener,
  type ListenerHandlers,
  type Logger,
  runInContext,
} from '../../platform/index.ts'
import type { SigningKey } from './key-pair.ts'
import type { KeySet } from './key-set.ts'
import type { Audience } from './tables.ts'

/** The keys that are good now, for those who sign and verify. */
export interface KeyRing {
  /** The key with this id if tokens that it signed are accepted: a look into a Map and nothing else. */
  find(kid: string): SigningKey | undefined
  /** Like `find`, for an id that is unknown: looks into the core database first, where that was not done just now. */
  findAfresh(kid: string): Promise<SigningKey | undefined>
  /** The key that signs tokens for an audience. */
  signing(audience: Audience): SigningKey
  /** What others need to verify tokens. */
  readonly published: KeySet['published']
}

export interface LiveKeyRingOptions {
  /** Reads the keys from the core database. */
  readonly load: () => Promise<KeySet>
  /** Starts to listen to changes of keys in any process. Left out: they are only seen when it looks. */
  readonly listen?: (handlers: ListenerHandlers) => Listener
  readonly clock: Clock
  readonly log: Logger
  /** How often it looks without having heard of a change, in milliseconds: keys also change as time goes by. */
  readonly lookMs?: number
  /** When it looks again after it could not, in milliseconds. */
  readonly retryMs?: number
}

const LOOK_MS = 30_000
const RETRY_MS = 1_000
/** Made-up ids are for free, so how often they can make a process look is limited. */
const UNKNOWN_KID_MS = 30_000
/** Ids are SHA-256 thumbprints; nothing else is worth a look. */
const KID = /^[A-Za-z0-9_-]{43}$/

/**
 * The keys of this process: as the core database has them, a moment after somebody changed them there. While that is
 * away, or holds nothing that can be used, it goes on with the keys that it has.
 */
export class LiveKeyRing implements KeyRing {
  readonly #options: LiveKeyRingOptions
  readonly #listener: Listener | undefined
  #keys: KeySet
  #loading: Promise<void> | undefined
  #isOutdated = false
  #isClosed = false
  /** Whether the last look failed: then nobody is kept waiting for the next. */
  #isBlind = false
  #timer: NodeJS.Timeout | undefined
  #lookedForUnknownAt = Number.NEGATIVE_INFINITY

  private constructor(options: LiveKeyRingOptions, keys: KeySet) {
    this.#options = options
    this.#keys = keys
    this.#schedule(options.lookMs ?? LOOK_MS)
    this.#listener = options.listen?.({
      onNotification: () => void this.refresh(),
      // What changed before it listened was not told.
      onReady: () => void this.refresh(),
      onLost: () => undefined,
    })
  }

  /** @throws what `load` throws: without keys there is nothing to begin with */
  static async open(options: LiveKeyRingOptions): Promise<LiveKeyRing> {
    return new LiveKeyRing(options, await options.load())
  }

  find(kid: string): SigningKey | undefined {
    return this.#keys.byId.get(kid)
  }

  signing(audience: Audience): SigningKey {
    return this.#keys.signing[audience]
  }

  get published(): KeySet['published'] {
    return this.#keys.published
  }

  async findAfresh(kid: string): Promise<SigningKey | undefined> {
    if (!KID.test(kid) || this.#isBlind) return undefined
    // Perhaps it is just being heard of.
    await this.#loading
    if (!this.find(kid) && this.#mayLookForUnknown()) await this.refresh()
    return this.find(kid)
  }

  /** Loads what was changed before this call. Never rejects: what goes wrong is logged and tried again. */
  refresh(): Promise<void> {
    this.#isOutdated = true
    // Not in the context of the request that caused it: that one may go away.
    this.#loading ??= runInContext({}, () => this.#load()).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Stops listening and looking. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#listener?.close()
    await this.#loading
  }

  async #load(): Promise<void> {
    const { load, log, lookMs = LOOK_MS, retryMs = RETRY_MS } = this.#options
    clearTimeout(this.#timer)
    try {
      while (this.#isOutdated && !this.#isClosed) {
        this.#isOutdated = false
        this.#keys = await load()
        this.#isBlind = false
      }
      this.#schedule(lookMs)
    } catch (error) {
      this.#isBlind = true
      log.warn({ err: error }, 'the signing keys could not be read; those that are known go on')
      this.#schedule(retryMs)
    }
  }

  #schedule(delayMs: number): void {
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.refresh(), delayMs).unref()
  }

  #mayLookForUnknown(): boolean {
    const now = this.#options.clock.now().getTime()
    // A clock that was set back must not forbid it for as long as it went back.
    const elapsed = Math.abs(now - this.#lookedForUnknownAt)
    if (elapsed < UNKNOWN_KID_MS) return false
    this.#lookedForUnknownAt = now
    return true
  }
}
