/** What the server takes at most and how long it waits. */
export interface HttpLimits {
  /** Most bytes of a body; a route may ask for less with its own `bodyLimit`. */
  readonly bodyBytes: number
  /** Most bytes of the request line and all headers together; Node.js answers 431 above it. */
  readonly headerBytes: number
  /** Most header lines. Node.js silently drops what exceeds its own limit, so we refuse long before. */
  readonly headerLines: number
  /** Most characters of path and query. */
  readonly urlCharacters: number
  /** Most characters of one path parameter. */
  readonly pathParameterCharacters: number
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** How long a connection may be silent while a request is open. */
  readonly connectionTimeoutMs: number
  /** How long a handler may take, guards included, before the client hears 503. A route may say its own. */
  readonly handlerTimeoutMs: number
  /** How long an idle connection stays open: longer than a proxy's, so that the proxy is the one who closes. */
  readonly keepAliveTimeoutMs: number
  /**
   * 0 for no limit. With one, Node.js answers 503 to whoever sends the next request before reading that the connection
   * ends; a proxy that balances connections can end them itself.
   */
  readonly requestsPerConnection: number
  /** How often the time-outs above are looked at. */
  readonly checkIntervalMs: number
  /** Longest turn of the event loop; after a longer one new requests hear 503 until it is quick again. */
  readonly eventLoopDelayMs: number
  /** Most event streams that are open at the same time; the next client hears 503. */
  readonly eventStreams: number
  /** A stream whose client leaves more than this unread is ended. */
  readonly eventStreamBytes: number
  /** How often a stream says that it is there: well below the time after which a silent connection is closed. */
  readonly heartbeatMs: number
  /** How often it is asked whether a stream's client may still listen. */
  readonly readmitMs: number
  /** How long `close()` waits for running requests before it answers them 503. */
  readonly drainTimeoutMs: number
}

/** The limits of production; tests pass shorter times. */
export const HTTP_LIMITS: HttpLimits = Object.freeze({
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headerLines: 100,
  urlCharacters: 8 * 1024,
  pathParameterCharacters: 100,
  requestTimeoutMs: 15_000,
  headersTimeoutMs: 10_000,
  connectionTimeoutMs: 30_000,
  handlerTimeoutMs: 10_000,
  keepAliveTimeoutMs: 72_000,
  requestsPerConnection: 0,
  checkIntervalMs: 1000,
  eventLoopDelayMs: 1000,
  eventStreams: 100,
  eventStreamBytes: 256 * 1024,
  heartbeatMs: 15_000,
  readmitMs: 5_000,
  drainTimeoutMs: 10_000,
})
