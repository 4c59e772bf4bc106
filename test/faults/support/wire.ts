/** One message of PostgreSQL's protocol, version 3, as it goes over the wire. */
export interface WireMessage {
  /** One letter; empty for what a client sends first. */
  readonly type: string
  /** All of it. */
  readonly bytes: Buffer
  /** All behind its type and length. */
  readonly body: Buffer
}

const LENGTH_BYTES = 4
const PROTOCOL_MAJOR = 3

/**
 * Cuts one direction of a connection without TLS into messages.
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0)
  /** What a client sends has no type until its startup message is over. */
  #isTyped: boolean

  constructor(from: 'client' | 'server') {
    this.#isTyped = from === 'server'
  }

  /** Takes what came next, and gives the messages that are complete now. */
  read(chunk: Buffer): WireMessage[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const complete: WireMessage[] = []
    for (let next = this.#take(); next; next = this.#take()) complete.push(next)
    return complete
  }

  #take(): WireMessage | undefined {
    const head = (this.#isTyped ? 1 : 0) + LENGTH_BYTES
    if (this.#rest.length < head) return undefined
    // The length counts itself, but not the type.
    const size = this.#rest.readUInt32BE(head - LENGTH_BYTES) + head - LENGTH_BYTES
    if (this.#rest.length < size) return undefined
    const bytes = this.#rest.subarray(0, size)
    const type = this.#isTyped ? String.fromCharCode(bytes[0] ?? 0) : ''
    this.#rest = this.#rest.subarray(size)
    const message = { type, bytes, body: bytes.subarray(head) }
    if (isStartup(message)) this.#isTyped = true
    return message
  }
}

/** Whether a message opens a session; requests to cancel or to encrypt have the same shape. */
export function isStartup({ type, body }: WireMessage): boolean {
  return type === '' && body.length >= 4 && body.readUInt16BE(0) === PROTOCOL_MAJOR
}

/** The database that a startup message names; without one it is the user's. */
export function databaseIn({ body }: WireMessage): string {
  const words = textsIn(body.subarray(4))
  const named = (name: string) => {
    const at = words.findIndex((word, index) => index % 2 === 0 && word === name)
    return at < 0 ? undefined : words[at + 1]
  }
  return named('database') ?? named('user') ?? ''
}

/** The texts in a message's body, each of which ends with a NUL. */
export function textsIn(body: Buffer): string[] {
  return body.toString('utf8').split('\0')
}
