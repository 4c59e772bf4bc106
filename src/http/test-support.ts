import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { type Logger, silentLogger } from '../platform/index.ts'
import type { HttpServerOptions } from './options.ts'
import { createHttpServer } from './server.ts'
import type { HttpServer } from './server-type.ts'

/** Makes a server for a test, which says `await using`. Limits of rate are off and nothing is logged. */
export function makeServer(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return createHttpServer({
    log: silentLogger,
    version: '1.2.3',
    api: {
      title: 'Test',
      description: 'A server of the tests.',
      tags: [{ name: 'test', description: 'Routes of the tests.' }],
      securitySchemes: {},
    },
    errors: [],
    docs: false,
    rateLimits: { enabled: false, factor: 1 },
    ...options,
  })
}

/** What a route of a test says of itself, because every route must. */
export function named(operationId: string) {
  return { operationId, summary: operationId, tags: ['test'] }
}

/** Listens on a port that the system chooses. */
export async function listen(server: HttpServer): Promise<{ readonly port: number; readonly url: string }> {
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(url).port), url }
}

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Writes bytes to the server and gives all that comes back until the server closes the connection. */
export function sendRaw(port: number, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(message, 'latin1'))
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      received += text
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

/** Reads one answer with a body of known length. */
export function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: rest.join(''),
  }
}

/** A logger whose lines a test reads. */
export function recordingLogger(level = 'info'): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { log: pino({ level, base: null }, stream), lines }
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }
