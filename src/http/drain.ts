import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Exchanges } from './exchange.ts'

/** How often connections that became idle are looked for while the server closes. */
const SWEEP_MS = 25

/**
 * Turns of the event loop without a new connection, after which all that clients had sent is known: libuv accepts one
 * connection for each turn, and reads from it in the next.
 */
const QUIET_TURNS = 3

/** Turns after which clients that never stop connecting are not waited for. */
const MAX_TURNS = 1000

/** How long the answers that are given at the deadline may take to be written. */
const LAST_ANSWERS_MS = 100

export interface DrainOptions {
  /**
   * How long running requests may take before they are answered 503, or cut off where that is too late; 10 s by
   * default.
   */
  readonly deadlineMs?: number
  /**
   * How long new requests are still served after readiness has turned to 503, so that load balancers notice; 0 by
   * default.
   */
  readonly announceMs?: number
}

/**
 * Closes a server without breaking a promise: what was sent before the decision is served, what comes later on a
 * connection that is still open hears 503, and so does at the deadline what did not finish.
 */
export class Drain {
  readonly #server: Server
  readonly #exchanges: Exchanges
  readonly #connections = new Set<Socket>()
  #deadlineMs: number
  #draining = false
  #accepted = 0
  #cut = 0

  constructor(server: Server, exchanges: Exchanges, deadlineMs: number) {
    this.#server = server
    this.#exchanges = exchanges
    this.#deadlineMs = deadlineMs
    server.on('connection', (socket: Socket) => {
      this.#accepted++
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** Whether the server has begun to close. */
  get draining(): boolean {
    return this.#draining
  }

  /** How many requests had not finished at the deadline. */
  get cut(): number {
    return this.#cut
  }

  /** Tells readiness checks and clients that the server is about to close, and waits for them to notice. */
  async announce({ deadlineMs = this.#deadlineMs, announceMs = 0 }: DrainOptions = {}): Promise<void> {
    this.#deadlineMs = deadlineMs
    this.#draining = true
    this.#exchanges.announceClosing()
    if (announceMs > 0) await sleep(announceMs)
  }

  /**
   * Stops listening and waits until every connection has closed. Node.js alone would wait 30 s for a connection that
   * never sent a byte, and for ever for a client that never stops asking.
   */
  async closeConnections(): Promise<void> {
    if (!this.#draining) await this.announce()
    if (!this.#server.listening) return
    await this.#readWhatWasSent()
    this.#exchanges.close()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    const sweep = setInterval(() => this.#closeIdle(), SWEEP_MS)
    const deadline = setTimeout(() => this.#giveUp(), this.#deadlineMs)
    const last = setTimeout(() => this.#server.closeAllConnections(), this.#deadlineMs + LAST_ANSWERS_MS)
    await closed
    clearInterval(sweep)
    clearTimeout(deadline)
    clearTimeout(last)
  }

  /** What was sent before the decision to close lies in the kernel's buffers; closing now would reset it. */
  async #readWhatWasSent(): Promise<void> {
    for (let quiet = 0, turn = 0; quiet < QUIET_TURNS && turn < MAX_TURNS; turn++) {
      const before = this.#accepted
      await nextTurn()
      quiet = this.#accepted === before ? quiet + 1 : 0
    }
  }

  #closeIdle(): void {
    this.#server.closeIdleConnections()
    for (const connection of this.#connections) {
      // Node.js does not count a connection as idle before its first request.
      if (connection.bytesRead === 0) connection.destroy()
    }
  }

  #giveUp(): void {
    this.#cut = this.#exchanges.running
    this.#exchanges.giveUp()
  }
}

const drains = new WeakMap<object, Drain>()

/** Makes `server.close()` drain: it is the only way to close, so that nobody can forget. */
export function drainOnClose(server: FastifyInstance, exchanges: Exchanges, deadlineMs: number): Drain {
  const drain = new Drain(server.server, exchanges, deadlineMs)
  server.addHook('preClose', () => drain.closeConnections())
  drains.set(server, drain)
  return drain
}

/**
 * Closes a server: readiness turns to 503, answers say `Connection: close`, running requests finish, idle connections
 * close, and at the deadline the rest hears 503. `server.close()` does the same without an announcement.
 *
 * @returns how many requests had not finished at the deadline
 */
export async function drainServer(server: FastifyInstance, options: DrainOptions = {}): Promise<number> {
  const drain = drains.get(server)
  if (!drain) throw new Error('Not a server of createHttpServer')
  await drain.announce(options)
  await server.close()
  return drain.cut
}
