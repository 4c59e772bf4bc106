import { connect, type Socket } from 'node:net'
import { Lane, type Traffic } from './lane.ts'
import { TransactionWatch } from './transaction-watch.ts'
import { databaseIn, isStartup, MessageReader, type WireMessage } from './wire.ts'

/** Where a connection is cut, once. */
export interface CommitCut {
  readonly database: string
  /** Found in a statement of the transaction that is committed; a statement alone is a transaction too. */
  readonly touching: RegExp
  /** Before: PostgreSQL never sees it. After: it is committed, and its answer never comes. */
  readonly moment: 'before' | 'after'
  /** How many such commits pass before it. */
  readonly skip?: number
}

/** What a connection asks of its proxy. */
export interface ProxyRules {
  trafficFor(database: string | undefined): Traffic
  /** Gives the cut that waits for this commit, once; who gets it carries it out and says so. */
  claimCut(database: string | undefined, statements: readonly string[]): ClaimedCut | undefined
}

interface ClaimedCut extends CommitCut {
  readonly done: () => void
}

/** One client's connection through the proxy to PostgreSQL. */
export class ProxiedConnection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #rules: ProxyRules
  readonly #toServer: Lane
  readonly #toClient: Lane
  readonly #transactions = new TransactionWatch()
  readonly #closed = Promise.withResolvers<void>()
  #database: string | undefined
  #isForgotten = false
  /** How often the client asked to hear when the server is ready, and the server said so since it first was. */
  #asked = 0
  #answered = -1
  #cut: ClaimedCut | undefined
  /** The answer that never comes, counted as those. */
  #cutAt: number | undefined

  constructor(client: Socket, target: { host: string; port: number }, rules: ProxyRules) {
    this.#client = client
    this.#rules = rules
    this.#server = connect({ ...target, noDelay: true, allowHalfOpen: true })
    const traffic = () => this.#traffic()
    this.#toServer = new Lane(this.#server, traffic)
    this.#toClient = new Lane(client, traffic)
    let open = 2
    for (const socket of [client, this.#server]) {
      socket.once('close', () => {
        if (--open === 0) this.#closed.resolve()
      })
    }
    this.#pump(client, new MessageReader('client'), this.#toServer, (message) => this.#fromClient(message))
    this.#pump(this.#server, new MessageReader('server'), this.#toClient, (message) =>
      this.#fromServer(message),
    )
  }

  /** `undefined` until the client has named it. */
  get database(): string | undefined {
    return this.#database
  }

  /** Settles when both sides are closed. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get hasLostBytes(): boolean {
    return this.#toServer.hasLostBytes || this.#toClient.hasLostBytes
  }

  /** Bytes on their way to the client. */
  get underWay(): number {
    return this.#toClient.underWay
  }

  /** Loses all that is sent from now on, in both directions. */
  forget(): void {
    this.#isForgotten = true
  }

  /** Ends it on both sides; the client sees ECONNRESET. */
  reset(): void {
    if (!this.#client.destroyed) this.#client.resetAndDestroy()
    this.#server.destroy()
  }

  #traffic(): Traffic {
    return this.#isForgotten ? { blackHole: true } : this.#rules.trafficFor(this.#database)
  }

  #pump(from: Socket, reader: MessageReader, lane: Lane, isToPass: (message: WireMessage) => boolean): void {
    from.on('data', (chunk: Buffer) => {
      const passing = reader.read(chunk).filter(isToPass)
      if (passing.length > 0) lane.send(Buffer.concat(passing.map(({ bytes }) => bytes)))
    })
    from.on('end', () => lane.end())
    from.on('error', () => {
      // In a black hole nobody hears of the other's end.
      if (this.#traffic().blackHole || this.hasLostBytes) from.destroy()
      else this.reset()
    })
  }

  #fromClient(message: WireMessage): boolean {
    if (isStartup(message)) {
      this.#database = databaseIn(message)
      if (this.#traffic().refused) this.reset()
    }
    const committed = this.#transactions.see(message)
    if (committed) this.#cut ??= this.#rules.claimCut(this.#database, committed)
    if (this.#cut?.moment === 'before') this.#cutNow(this.#cut)
    if (message.type === 'Q' || message.type === 'S') {
      this.#asked++
      if (this.#cut) this.#cutAt ??= this.#asked
    }
    return !this.#client.destroyed
  }

  #fromServer({ type }: WireMessage): boolean {
    const isLost = this.#cutAt !== undefined && this.#answered >= this.#cutAt - 1
    if (type === 'Z') this.#answered++
    // Only what PostgreSQL answered has surely been committed.
    if (this.#cut && this.#answered === this.#cutAt) this.#cutNow(this.#cut)
    return !isLost
  }

  #cutNow(cut: ClaimedCut): void {
    this.reset()
    cut.done()
  }
}
