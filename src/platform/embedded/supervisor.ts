import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, initialise } from './cluster.ts'
import { readCredentials } from './credentials.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { withLog } from './log-file.ts'
import { choosePlacement } from './placement.ts'
import { findPrograms } from './programs.ts'
import type { GuardRequest } from './protocol.ts'
import { openServer, type Server } from './server.ts'

/** PostgreSQL may die, or fail to start again, so often within a minute before the supervisor gives up. */
const MAX_FAILURES_PER_MINUTE = 5
const RESTART_DELAY_MS = 50

/** Whom the supervisor tells what happens. */
export interface SupervisorEvents {
  note(message: string): void
  /** PostgreSQL is down and stays down. */
  lost(error: Error): void
}

/** Keeps the PostgreSQL of one data directory running: what dies by itself is started again. */
export class Supervisor {
  readonly cluster: Cluster
  readonly #events: SupervisorEvents
  #server: Server
  #stopping = false
  readonly #watching: Promise<void>

  private constructor(cluster: Cluster, server: Server, events: SupervisorEvents) {
    this.cluster = cluster
    this.#server = server
    this.#events = events
    this.#watching = this.#watch()
  }

  /**
   * Makes the database where there is none, and brings its server up.
   *
   * @throws EmbeddedPostgresError
   */
  static async start(request: GuardRequest, events: SupervisorEvents): Promise<Supervisor> {
    const { dataDir, durable, settings } = request
    const programs = await findPrograms()
    const known = await readCredentials(dataDir)
    const placement = await choosePlacement(dataDir, programs, known, events.note)
    const logFile = join(dirname(placement.directory), `postgres-${programs.major}.log`)
    const cluster = { ...placement, logFile, durable, settings }
    await initialise(cluster)
    return new Supervisor(cluster, await openServer(cluster), events)
  }

  /** Where the server listens now. */
  get port(): number {
    return this.#server.port
  }

  /** Stops the server for good; later calls wait for the same end. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#server.stop()
    await this.#watching
  }

  async #watch(): Promise<void> {
    const failures: number[] = []
    for (let running = true; !this.#stopping; running = await this.#restart()) {
      if (running) await this.#server.exited
      if (this.#stopping) return
      failures.push(performance.now())
      const lately = failures.filter((time) => time > performance.now() - 60_000).length
      if (lately > MAX_FAILURES_PER_MINUTE) return this.#giveUp(lately)
      // What prevents a start, such as a full disk, may pass; a server that merely died is needed at once.
      if (!running) await sleep(RESTART_DELAY_MS * 2 ** lately)
    }
  }

  #giveUp(failures: number): void {
    this.#stopping = true
    const line = `PostgreSQL died or did not start ${failures} times within a minute and stays down`
    this.#events.lost(new EmbeddedPostgresError(withLog(line, this.cluster.logFile)))
  }

  async #restart(): Promise<boolean> {
    const { port } = this.#server
    this.#events.note('PostgreSQL ended unexpectedly and is started again')
    try {
      this.#server = await openServer(this.cluster)
    } catch (error) {
      this.#events.note(messageOf(error))
      return false
    }
    // A stop that came meanwhile found the server that was gone already.
    if (this.#stopping) await this.#server.stop()
    else if (this.#server.port !== port) {
      this.#events.note(
        `its port was taken, so PostgreSQL moved to ${this.#server.port}: restart what uses it`,
      )
    }
    return true
  }
}
