import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * One keep-alive HTTP/1.1 connection that asks one thing at a time and looks at the status alone. Node's own client
 * costs as much as the servers that are measured here, and they share the machine.
 */
export class HttpConnection {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined
  #received: Buffer = Buffer.alloc(0)
  #answer: PromiseWithResolvers<number> | undefined

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  /**
   * Sends one request and gives the status of its answer, 0 where there was none.
   *
   * @param request made by `requestBytes`; the answer to it must carry a content-length
   */
  ask(request: Buffer): Promise<number> {
    this.#answer = Promise.withResolvers<number>()
    this.#socket ??= this.#open()
    this.#socket.write(request)
    return this.#answer.promise
  }

  close(): void {
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    this.#received = Buffer.alloc(0)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#settle(0)
    })
    return socket
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const head = this.#received.indexOf(HEAD_END)
    if (head < 0) return
    const text = this.#received.toString('latin1', 0, head)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1])
    if (Number.isNaN(length)) throw new Error(`an answer without a content-length: ${text}`)
    if (this.#received.length < head + HEAD_END.length + length) return
    this.#received = Buffer.alloc(0)
    if (/\r\nconnection: *close/i.test(text)) {
      this.#socket?.destroy()
      this.#socket = undefined
    }
    this.#settle(Number(text.slice(9, 12)))
  }

  #settle(status: number): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.resolve(status)
  }
}

/** The bytes of a GET request. */
export function requestBytes(url: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const { host, pathname } = new URL(url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`GET ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
}
