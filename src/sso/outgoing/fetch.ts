import { type LookupAddress, lookup } from 'node:dns'
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './addresses.ts'

/** What may be asked. */
export interface OutgoingRules {
  /** Whether addresses may be asked that are not the Internet's. */
  readonly allowsInternal: boolean
  /** Whether those may be asked without TLS. */
  readonly allowsPlain: boolean
}

/** Why a request to somebody else's server came to nothing. */
export type OutgoingFault = 'refused-address' | 'not-https' | 'unreachable' | 'too-slow' | 'too-large'

/** A request that was not made, or not answered as it may be. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError'
  readonly fault: OutgoingFault

  constructor(fault: OutgoingFault, cause?: unknown) {
    super(`outgoing request: ${fault}`, { cause })
    this.fault = fault
  }
}

/** As much of `fetch` as the library asks for. */
export type Fetch = (
  url: string,
  options: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
    readonly signal?: AbortSignal | undefined
  },
) => Promise<Response>

const TIMEOUT_MS = 5_000
/** Descriptions and sets of keys have some kilobytes. */
const MAX_BYTES = 512 * 1024
/** Statuses that have no body, which `Response` insists on. */
const BODYLESS = new Set([204, 205, 304])

/**
 * Makes a `fetch` for addresses that a customer chose. Where a name leads is looked at when it is connected to, so that a name
 * cannot be one address when it is checked and another when it is used. Redirects are answers like any other: nobody follows
 * them. Nothing of the process's own goes along: no cookies, no proxy, no kept connection.
 */
export function createOutgoingFetch(rules: OutgoingRules, timeoutMs = TIMEOUT_MS): Fetch {
  return async (target, { method = 'GET', headers = {}, body, signal }) => {
    const url = new URL(target)
    const isTls = requireAllowed(url, rules)
    const deadline = AbortSignal.timeout(timeoutMs)
    const options: RequestOptions = {
      method,
      headers: { ...headers, 'accept-encoding': 'identity' },
      agent: false,
      lookup: lookupAllowed(rules, isTls),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    }
    try {
      return await send(isTls ? requestTls : requestPlain, url, options, textOf(body))
    } catch (error) {
      if (error instanceof OutgoingError) throw error
      throw new OutgoingError(options.signal?.aborted ? 'too-slow' : 'unreachable', error)
    }
  }
}

/** Says whether it is spoken to over TLS. An address is not looked up, so it is looked at here. */
function requireAllowed({ protocol, hostname }: URL, rules: OutgoingRules): boolean {
  const isTls = protocol === 'https:'
  if (!isTls && !(rules.allowsPlain && protocol === 'http:')) throw new OutgoingError('not-https')
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) !== 0 && !isAllowed(address, rules, isTls)) throw new OutgoingError('refused-address')
  return isTls
}

/** Without TLS nobody but who is near: what it says would be anybody's. */
function isAllowed(address: string, { allowsInternal }: OutgoingRules, isTls: boolean): boolean {
  return isPublicAddress(address) ? isTls : allowsInternal
}

/** Looks a name up, and fails unless every address that it has may be connected to. */
function lookupAllowed(rules: OutgoingRules, isTls: boolean): LookupFunction {
  return (hostname, options, callback) => {
    const answer = (error: Error | null, found: LookupAddress[]) => {
      const [first] = found
      if (error || !first) return callback(error ?? new OutgoingError('unreachable'), [])
      if (!found.every(({ address }) => isAllowed(address, rules, isTls)))
        return callback(new OutgoingError('refused-address'), [])
      return options.all ? callback(null, found) : callback(null, first.address, first.family)
    }
    lookup(hostname, { ...options, all: true }, (error, found) => answer(error, found ?? []))
  }
}

async function send(
  request: typeof requestTls,
  url: URL,
  options: RequestOptions,
  body: string | undefined,
): Promise<Response> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(url, options, resolve).on('error', reject)
    outgoing.end(body)
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // Leaving the loop closes the connection.
    if (bytes > MAX_BYTES) throw new OutgoingError('too-large')
    chunks.push(chunk)
  }
  const status = answer.statusCode ?? 502
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  return new Response(BODYLESS.has(status) ? null : Buffer.concat(chunks), { status, headers })
}

function textOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string' || body instanceof URLSearchParams) return String(body)
  throw new Error('a body that is no text is never sent')
}
