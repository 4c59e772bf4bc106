import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'

export interface KeepAliveReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** A request whose body never comes. */
export interface BegunRequest {
  /** Settles when the server has read the head and asks for the body. */
  readonly begun: Promise<void>
  readonly answered: Promise<KeepAliveReply>
}

export interface SentRequest {
  /** Settles when all of the request has been handed to the system. */
  readonly sent: Promise<void>
  /** Rejects when the connection is reset. */
  readonly answered: Promise<KeepAliveReply>
}

/** A client with one connection, which it keeps for all that it asks. */
export class KeepAliveClient implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): SentRequest {
    return this.#send('GET', path, headers)
  }

  post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): SentRequest {
    return this.#send('POST', path, { 'content-type': 'application/json', ...headers }, JSON.stringify(body))
  }

  begin(path: string): BegunRequest {
    const headers = { 'content-type': 'application/json', 'content-length': '100', expect: '100-continue' }
    const sending = request(`${this.#url}${path}`, { method: 'POST', headers, agent: this.#agent })
    const begun = new Promise<void>((resolve) => sending.once('continue', resolve))
    const answered = answerTo(sending)
    sending.flushHeaders()
    // Its end may come before somebody asks for it.
    answered.catch(() => undefined)
    return { begun, answered }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  #send(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string): SentRequest {
    const sending = request(`${this.#url}${path}`, { method, headers, agent: this.#agent })
    const sent = new Promise<void>((resolve) => sending.once('finish', resolve))
    const answered = answerTo(sending)
    sending.end(body)
    return { sent, answered }
  }
}

function answerTo(sending: ClientRequest): Promise<KeepAliveReply> {
  return new Promise((resolve, reject) => {
    sending.once('error', reject)
    sending.once('response', (response) => {
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
      response.resume()
    })
  })
}
