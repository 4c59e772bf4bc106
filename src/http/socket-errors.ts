import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type AppError, type ErrorFactory, type Logger, newId } from '../platform/index.ts'
import { httpErrors } from './errors.ts'
import { PROBLEM_CONTENT_TYPE, type ProblemCatalogue, toProblem } from './problem.ts'

/** What Node.js reports of a message that it could not read; anything else is simply malformed. */
const BY_CODE: Readonly<Record<string, ErrorFactory>> = {
  HPE_HEADER_OVERFLOW: httpErrors.headersTooLarge,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: httpErrors.payloadTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: httpErrors.requestTimeout,
}

/** Answers on a socket when there is no request object yet, and closes it: what follows cannot be trusted. */
export type RefuseSocket = (error: NodeJS.ErrnoException, socket: Duplex) => void

/**
 * Makes the answer to messages that Node.js could not read.
 *
 * @param headers sent with every answer
 */
export function createRefuseSocket(
  problems: ProblemCatalogue,
  headers: Readonly<Record<string, string>>,
  log: Logger,
): RefuseSocket {
  const refused = new WeakSet<Duplex>()
  return (error, socket) => {
    // What arrives after the first error is part of the same broken message.
    if (refused.has(socket)) return
    refused.add(socket)
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const current = responseOn(socket)
    if (current && (current.req.complete || current.headersSent)) {
      closeAfter(current, socket)
      return
    }
    const requestId = newId()
    const refusal = (BY_CODE[error.code ?? ''] ?? httpErrors.malformedRequest)()
    log.info({ request_id: requestId, status: refusal.status, reason: error.code }, 'message refused')
    socket.end(rawAnswer(refusal, requestId, problems, headers), () => socket.destroy())
  }
}

/**
 * The answer that is being made on this connection. Node.js looks at the same field for its own answer to broken
 * messages (`socketOnError` in lib/_http_server.js).
 */
function responseOn(socket: Duplex & { _httpMessage?: ServerResponse }): ServerResponse | undefined {
  return socket._httpMessage
}

/** Lets an earlier message of the same connection have its answer; ours would be taken for it. */
function closeAfter(response: ServerResponse, socket: Duplex): void {
  response.shouldKeepAlive = false
  response.once('close', () => socket.end(() => socket.destroy()))
  socket.pause()
}

function rawAnswer(
  error: AppError,
  requestId: string,
  problems: ProblemCatalogue,
  headers: Readonly<Record<string, string>>,
): string {
  const body = JSON.stringify(toProblem(error, requestId, problems))
  const all = {
    ...headers,
    'x-request-id': requestId,
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    date: new Date().toUTCString(),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`
}

/** Takes over the events that Node.js would otherwise answer in its own words, or with a closed door. */
export function answerOddMessages(server: Server, refuseSocket: RefuseSocket, bodyBytes: number): void {
  // We are no proxy. Without a listener the connection would be closed without a word.
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    // Node.js has let go of the socket, and an error that nobody listens for ends the process.
    socket.on('error', () => socket.destroy())
    refuseSocket(new Error('CONNECT'), socket)
  })
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1); Node.js would say 417.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.on('checkContinue', (request, response) => {
    // A client that asks first never sends a body that is refused anyway.
    if (!(Number(request.headers['content-length']) > bodyBytes)) response.writeContinue()
    server.emit('request', request, response)
  })
}
