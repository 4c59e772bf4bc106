import type { FastifyRequest } from 'fastify'
import type { AppError, ErrorFactory } from '../platform/index.ts'
import { isRepeated } from './bearer-token.ts'
import { httpErrors } from './errors.ts'
import { isCleanText } from './json/text.ts'
import type { HttpLimits } from './limits.ts'

const SLASH = 0x2f

/** Anything in a URL that needs a closer look: an escape, or a character that has no business there. */
const UNUSUAL_IN_URL = /[^!-~]|%/

/** A line break is fine in a text that a body carries, but not in an address. */
const LINE_BREAK = /[\t\r\n]/

/** Why a request goes no further. */
export interface Refusal {
  readonly error: AppError
  /** Whether its connection closes: what follows may be a body that nobody wants, or may have been smuggled. */
  readonly closes: boolean
}

/**
 * Checks what a request says of itself before anything is read or looked up: HTTP syntax first, then sizes.
 *
 * @param bodyBytes most bytes of body that the route takes
 */
export function refuseMalformed(
  request: FastifyRequest,
  bodyBytes: number,
  limits: HttpLimits,
): Refusal | undefined {
  const { url = '', headers, rawHeaders } = request.raw
  if (isDoubtful(request)) return closing(httpErrors.malformedRequest)
  if (rawHeaders.length > 2 * limits.headerLines) return closing(httpErrors.headersTooLarge)
  if (url.length > limits.urlCharacters) return closing(httpErrors.uriTooLong)
  if (UNUSUAL_IN_URL.test(url) && !isDecodable(url))
    return { error: httpErrors.malformedRequest(), closes: false }
  // The parser has checked that it is a number. An absent header gives NaN, which is not greater.
  if (Number(headers['content-length']) > bodyBytes) return closing(httpErrors.payloadTooLarge)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') return closing(httpErrors.unsupportedMediaType)
  return undefined
}

/**
 * What Node.js lets through although RFC 9112 lets a server refuse it: HTTP/0.9 and 2.0 on an HTTP/1.1 connection, a
 * missing or repeated Host (section 3.2), a proxy's absolute-form target, and transfer codings that we cannot undo.
 */
function isDoubtful({ raw }: FastifyRequest): boolean {
  const { headers, rawHeaders, httpVersionMajor, httpVersionMinor, url = '' } = raw
  if (httpVersionMajor !== 1) return true
  if (headers.host === undefined && httpVersionMinor === 1) return true
  if (url.charCodeAt(0) !== SLASH) return true
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return true
  return isRepeated(rawHeaders, 'host')
}

function isDecodable(url: string): boolean {
  try {
    const decoded = decodeURIComponent(url)
    return isCleanText(decoded) && !LINE_BREAK.test(decoded)
  } catch {
    return false
  }
}

function closing(error: ErrorFactory): Refusal {
  return { error: error(), closes: true }
}
