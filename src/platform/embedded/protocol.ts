import { createHash, createHmac } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What a client tells the guard. A client counts from the moment its connection is accepted. */
export type ClientMessage =
  | { readonly type: 'hello'; readonly nonce: string }
  /** The client leaves; the guard answers `stopped` or `in-use`. */
  | { readonly type: 'release' }

/** What the guard tells a client. */
export type GuardMessage =
  /** Something that a person may want to know. */
  | { readonly type: 'note'; readonly message: string }
  /** PostgreSQL takes connections. `proof` shows that this is the guard and no other user's process. */
  | { readonly type: 'ready'; readonly port: number; readonly directory: string; readonly proof: string }
  /** PostgreSQL cannot be had from this guard; it ends. */
  | { readonly type: 'failed'; readonly message: string }
  /** This guard is on its way out and the client was never counted: come again when the connection is closed. */
  | { readonly type: 'closing' }
  | { readonly type: 'stopped' }
  | { readonly type: 'in-use' }

/** What a guard is started with. */
export interface GuardRequest {
  /** Real path of the data directory. */
  readonly dataDir: string
  readonly durable: boolean
  readonly settings: Readonly<Record<string, string>>
}

/**
 * The guard's address: a Linux abstract socket, which the kernel frees when its process ends, however it ends, so it
 * serves as a lock that is never stale.
 */
export function guardAddress(dataDir: string): string {
  return `\0tenantry-postgres-${createHash('sha256').update(dataDir).digest('hex')}`
}

/**
 * Abstract sockets have no permissions: any local user may take the name first and name a port of his own, to be told
 * passwords there. The key lies in the credentials file, which only the owner can read.
 */
export function proofOf(key: string, nonce: string, port: number): string {
  return createHmac('sha256', key).update(`${nonce}:${port}`).digest('base64url')
}

/** Far above any message; whoever sends more is not one of ours. */
const MAX_LINE_LENGTH = 65_536

/** One end of a connection between guard and client: JSON messages, one a line. */
export class Link<In extends { type: string }, Out> extends EventEmitter<{ message: [In]; close: [] }> {
  readonly socket: Socket
  #pending = ''

  constructor(socket: Socket) {
    super()
    this.socket = socket
    socket.setEncoding('utf8')
    // A lost peer is told of by 'close'; without a listener the 'error' before it would end the process.
    socket.on('error', () => undefined)
    socket.on('close', () => this.emit('close'))
    socket.on('data', (text: string) => this.#read(text))
  }

  send(message: Out): void {
    if (this.socket.writable) this.socket.write(`${JSON.stringify(message)}\n`)
  }

  /** Waits until everything sent has been handed to the kernel, or the peer is gone. */
  async flush(): Promise<void> {
    if (this.socket.writable) await new Promise<void>((resolve) => this.socket.write('', () => resolve()))
  }

  #read(text: string): void {
    const lines = (this.#pending + text).split('\n')
    this.#pending = lines.pop() ?? ''
    if (this.#pending.length > MAX_LINE_LENGTH) this.socket.destroy()
    for (const line of lines) {
      const message = parseMessage<In>(line)
      if (message) this.emit('message', message)
      else this.socket.destroy()
    }
  }
}

function parseMessage<In extends { type: string }>(line: string): In | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const named = typeof value === 'object' && value !== null && 'type' in value
    return named && typeof value.type === 'string' ? (value as In) : undefined
  } catch {
    return undefined
  }
}
