import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { withDeadline } from '../closers.ts'
import { type ConnectionOptions, clientConfig } from './connection.ts'
import { quoteIdentifier } from './identifiers.ts'

/** What a listener tells. None of these may throw. */
export interface ListenerHandlers {
  /** A message came. */
  onNotification(payload: string): void
  /** It listens: what is committed from now on is told. What was committed before may never be. */
  onReady(): void
  /** It listened and was cut: messages are being missed until `onReady`. Not called by `close`. */
  onLost(): void
}

export interface ListenerOptions extends ListenerHandlers {
  readonly connection: ConnectionOptions
  readonly channel: string
  /** How often the connection is tried, and how soon it must answer, in milliseconds. Default 2,000. */
  readonly heartbeatMs?: number
  /** From 0 to 1, spreads the next tries of many processes. Default `Math.random`. */
  readonly random?: () => number
}

export interface Listener {
  /** Stops for good. Resolves when the connection is closed, at the latest half a second after the call. */
  close(): Promise<void>
}

const HEARTBEAT_MS = 2_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000
const FAREWELL_MS = 500

/**
 * Listens to one channel on a connection of its own, for ever: a connection that is cut, or that no longer answers, is
 * replaced, after pauses of 100 ms to 1 s. What goes wrong with it is never thrown.
 *
 * @throws Error when the channel is not a name that the platform makes
 */
export function createListener(options: ListenerOptions): Listener {
  const statement = `LISTEN ${quoteIdentifier(options.channel)}`
  const closing = new AbortController()
  const listening = listenAgainAndAgain(options, statement, closing.signal)
  return {
    close: async () => {
      closing.abort()
      await listening
    },
  }
}

async function listenAgainAndAgain(
  options: ListenerOptions,
  statement: string,
  closing: AbortSignal,
): Promise<void> {
  const { random = Math.random } = options
  let longest = FIRST_PAUSE_MS
  while (!closing.aborted) {
    const hasListened = await listenOnce(options, statement, closing)
    if (hasListened) longest = FIRST_PAUSE_MS
    await pause(longest * (0.5 + random() / 2), undefined, { ref: false, signal: closing }).catch(
      () => undefined,
    )
    longest = Math.min(2 * longest, LONGEST_PAUSE_MS)
  }
}

/** One connection from birth to death. True when it has listened in between. */
async function listenOnce(
  options: ListenerOptions,
  statement: string,
  closing: AbortSignal,
): Promise<boolean> {
  const { connection, heartbeatMs = HEARTBEAT_MS, onNotification, onReady, onLost } = options
  let link: Link | undefined
  let isReady = false
  try {
    link = new Link(connection, onNotification)
    closing.addEventListener('abort', link.close, { once: true })
    await link.open(statement, heartbeatMs)
    isReady = !closing.aborted
    if (isReady) onReady()
  } catch {
    // Why does not matter: the next try tells whether it still holds.
    link?.cut()
  }
  await link?.over
  if (link) closing.removeEventListener('abort', link.close)
  if (isReady && !closing.aborted) onLost()
  return isReady
}

/** A connection that knows when it is dead. */
class Link {
  readonly #client: pg.Client
  readonly #over = Promise.withResolvers<void>()
  #heartbeat: NodeJS.Timeout | undefined
  #isOpen = false
  #isWaiting = false

  constructor(options: ConnectionOptions, onNotification: (payload: string) => void) {
    this.#client = new pg.Client(clientConfig(options))
    // From birth: an 'error' without a listener ends the process.
    this.#client.on('error', this.cut)
    this.#client.on('end', () => {
      clearInterval(this.#heartbeat)
      this.#over.resolve()
    })
    this.#client.on('notification', ({ payload = '' }) => onNotification(payload))
  }

  /** Resolves when the connection is closed. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** Connects and runs the first statement; from then on a connection that is silent for too long is cut. */
  async open(statement: string, heartbeatMs: number): Promise<void> {
    await this.#client.connect()
    this.#isOpen = true
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref()
    await this.#ask(statement)
  }

  /** Closes the socket without a word. */
  readonly cut = (): void => {
    this.#client.connection.stream.destroy()
  }

  /** Takes leave of the server if it listens, and cuts the connection if it does not. */
  readonly close = (): void => {
    if (!this.#isOpen || this.#isWaiting) this.cut()
    else withDeadline(this.#client.end(), FAREWELL_MS, 'closing a listener').catch(this.cut)
  }

  #beat(): void {
    if (!this.#isWaiting) this.#ask('SELECT').catch(this.cut)
    // What arrived while this process was busy is still to be read.
    else setImmediate(() => this.#isWaiting && this.cut())
  }

  async #ask(statement: string): Promise<void> {
    this.#isWaiting = true
    await this.#client.query(statement)
    this.#isWaiting = false
  }
}
