import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Traffic } from './lane.ts'
import { type CommitCut, ProxiedConnection, type ProxyRules } from './proxied-connection.ts'

/** A cut that waits for its commit. */
export interface ArmedCut {
  readonly isDone: boolean
  /** Settles when the connection has been cut. */
  readonly done: Promise<void>
  /** Takes it back. */
  disarm(): void
}

interface WaitingCut extends CommitCut {
  readonly done: () => void
  left: number
}

/**
 * Stands between a client and PostgreSQL and does to their connections what networks do. All of that can be limited to
 * the connections of one database.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #target: { host: string; port: number }
  readonly #connections = new Set<ProxiedConnection>()
  readonly #trafficOf = new Map<string, Traffic>()
  #traffic: Traffic = {}
  #cut: WaitingCut | undefined
  #server: Server | undefined
  #port = 0
  #accepted = 0

  private constructor(target: { host: string; port: number }) {
    this.#target = target
  }

  /** Listens on a port of its own, for what a connection URL leads to. */
  static async before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url)
    const proxy = new TcpProxy({ host: hostname, port: Number(port || 5432) })
    await proxy.listen()
    return proxy
  }

  /** The same URL, but through this proxy. */
  through(url: string): string {
    const changed = new URL(url)
    changed.host = `127.0.0.1:${this.#port}`
    return changed.href
  }

  /** Connections that were ever accepted. */
  get accepted(): number {
    return this.#accepted
  }

  /** Open connections, to one database or to all. */
  open(database?: string): number {
    return this.#matching(database).length
  }

  /** Open connections that have lost something in a black hole. */
  swallowing(database?: string): number {
    return this.#matching(database).filter(({ hasLostBytes }) => hasLostBytes).length
  }

  /** Bytes that PostgreSQL has sent and its clients have not got yet. */
  underWay(database?: string): number {
    return this.#matching(database).reduce((sum, connection) => sum + connection.underWay, 0)
  }

  /** From now on, old connections and new ones are treated so. */
  impair(traffic: Traffic, database?: string): void {
    if (database === undefined) this.#traffic = traffic
    else this.#trafficOf.set(database, traffic)
    if (traffic.refused) this.reset(database)
  }

  /** Lets everything pass again; connections that lost something are reset, as nothing can mend them. */
  heal(): void {
    this.#traffic = {}
    this.#trafficOf.clear()
    this.#cut = undefined
    for (const connection of this.#connections) if (connection.hasLostBytes) connection.reset()
  }

  /** Every connection that is open now goes silent for good, and nobody is told; later ones are not harmed. */
  forget(database?: string): void {
    for (const connection of this.#matching(database)) connection.forget()
  }

  /** Resets open connections. */
  reset(database?: string): void {
    for (const connection of this.#matching(database)) connection.reset()
  }

  /** Cuts the next connection that commits what `cut` says. */
  cutCommit(cut: CommitCut): ArmedCut {
    const { promise, resolve } = Promise.withResolvers<void>()
    let isDone = false
    const done = () => {
      isDone = true
      resolve()
    }
    const waiting = { ...cut, done, left: cut.skip ?? 0 }
    this.#cut = waiting
    return {
      get isDone() {
        return isDone
      },
      done: promise,
      disarm: () => {
        if (this.#cut === waiting) this.#cut = undefined
      },
    }
  }

  /** Nobody listens any more: ECONNREFUSED. Open connections are reset. */
  async refuse(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.reset()
    if (!server) return
    server.close()
    await once(server, 'close')
  }

  /** Listens again, on the port that it has had from its beginning. */
  async listen(): Promise<void> {
    if (this.#server) return
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('listening without a port')
    this.#port = address.port
    this.#server = server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse()
  }

  #matching(database: string | undefined): ProxiedConnection[] {
    const all = [...this.#connections]
    return database === undefined ? all : all.filter((connection) => connection.database === database)
  }

  #accept(client: Socket): void {
    this.#accepted++
    const connection = new ProxiedConnection(client, this.#target, this.#rules)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
  }

  readonly #rules: ProxyRules = {
    trafficFor: (database) => this.#trafficOf.get(database ?? '') ?? this.#traffic,
    claimCut: (database, statements) => {
      const cut = this.#cut
      if (!cut || cut.database !== database || !statements.some((text) => cut.touching.test(text)))
        return undefined
      if (cut.left-- > 0) return undefined
      this.#cut = undefined
      return cut
    },
  }
}
