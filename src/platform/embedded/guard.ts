import { createServer, type Server } from 'node:net'
import { codeOf, messageOf } from './errors.ts'
import {
  type ClientMessage,
  type GuardMessage,
  type GuardRequest,
  guardAddress,
  Link,
  proofOf,
} from './protocol.ts'
import { Supervisor } from './supervisor.ts'

type Client = Link<ClientMessage, GuardMessage>

/** A guard whose first client never comes (it was killed right after starting us) must not stay for ever. */
const FIRST_CLIENT_LIMIT_MS = 10_000

/**
 * Owns the PostgreSQL server of one data directory, for as long as a client is connected.
 *
 * Whether to stop is decided at one moment, when the last client is gone: `#closing` is set, and whoever connects
 * from then on is told to come again. So no client is ever counted and then left without a server.
 */
export class Guard {
  readonly #request: GuardRequest
  /** With the nonce that each wants the proof for. */
  readonly #clients = new Map<Client, string | undefined>()
  /** Those of them that wait for the end. */
  readonly #leaving = new Set<Client>()
  /** What clients that come while PostgreSQL starts have missed. */
  readonly #notes: string[] = []
  readonly #listener = createServer((socket) => this.#admit(new Link(socket)))
  #opening: Promise<Supervisor> | undefined
  #ready: Supervisor | undefined
  #closing: Promise<void> | undefined
  readonly #ended = Promise.withResolvers<void>()

  constructor(request: GuardRequest) {
    this.#request = request
  }

  /**
   * Becomes the guard of the data directory and serves until nobody needs it. Returns at once when there is a guard
   * already.
   *
   * @throws Error when the address cannot be listened on
   */
  async run(): Promise<void> {
    if (!(await listenAlone(this.#listener, guardAddress(this.#request.dataDir)))) return
    const alone = setTimeout(() => this.#stopIfUnused(), FIRST_CLIENT_LIMIT_MS)
    this.#opening = Supervisor.start(this.#request, {
      note: (message) => this.#note(message),
      lost: (error) => void this.stop(error.message),
    })
    try {
      this.#ready = await this.#opening
      for (const client of this.#clients.keys()) this.#announce(client)
    } catch (error) {
      void this.stop(messageOf(error))
    }
    await this.#ended.promise
    clearTimeout(alone)
  }

  /** Stops PostgreSQL and ends; clients that did not ask for it are told `reason`. */
  stop(reason?: string): Promise<void> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  async #close(reason: string | undefined): Promise<void> {
    if (reason) this.#tellAll({ type: 'failed', message: reason })
    const supervisor = await this.#opening?.catch(() => undefined)
    await supervisor?.stop()
    // With PostgreSQL gone the address may go too, and must be free for whoever is told so.
    this.#listener.close()
    for (const client of this.#leaving) client.send({ type: 'stopped' })
    await Promise.all([...this.#clients.keys()].map((client) => client.flush()))
    this.#ended.resolve()
  }

  #admit(client: Client): void {
    if (this.#closing !== undefined) {
      // The connection stays open until this process ends, and its end is when to come again.
      client.send({ type: 'closing' })
      return
    }
    this.#clients.set(client, undefined)
    client.on('close', () => {
      this.#clients.delete(client)
      this.#stopIfUnused()
    })
    client.on('message', (message) => this.#handle(client, message))
    if (!this.#ready) for (const message of this.#notes) client.send({ type: 'note', message })
  }

  #handle(client: Client, message: ClientMessage): void {
    if (message.type === 'hello') {
      this.#clients.set(client, String(message.nonce))
      this.#announce(client)
    }
    if (message.type === 'release') {
      if (this.#clients.size > 1 && this.#closing === undefined) {
        client.send({ type: 'in-use' })
        this.#clients.delete(client)
        client.socket.end()
      } else {
        this.#leaving.add(client)
        void this.stop()
      }
    }
  }

  #announce(client: Client): void {
    const nonce = this.#clients.get(client)
    if (!this.#ready || nonce === undefined) return
    const { port, cluster } = this.#ready
    const proof = proofOf(cluster.credentials.guardKey, nonce, port)
    client.send({ type: 'ready', port, directory: cluster.directory, proof })
  }

  #stopIfUnused(): void {
    if (this.#clients.size === 0) void this.stop()
  }

  #note(message: string): void {
    this.#notes.push(message)
    this.#tellAll({ type: 'note', message })
  }

  #tellAll(message: GuardMessage): void {
    for (const client of this.#clients.keys()) client.send(message)
  }
}

/** Gives false when another guard has the address. */
function listenAlone(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve(true))
    server.once('error', (error) => (codeOf(error) === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(address)
  })
}
