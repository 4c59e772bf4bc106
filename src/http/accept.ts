/** Errors come as this, whatever a route produces, so a client that names it has named something that we have. */
const PROBLEM = 'application/problem+json'

/**
 * Says whether a client takes one of the media types that a route produces (RFC 9110, section 12.5.1).
 *
 * @param accept the `Accept` header, if there was one
 * @param produced media types without parameters
 */
export function isAcceptable(accept: string | undefined, produced: readonly string[]): boolean {
  if (accept === undefined || accept === '*/*' || accept === produced[0]) return true
  const ranges = parseAccept(accept)
  return produced.some((type) => quality(ranges, type) > 0) || isNamed(ranges, PROBLEM)
}

/** Says whether the client asked for `type` by name, as a browser does for HTML. */
export function prefers(accept: string | undefined, type: string): boolean {
  return isNamed(parseAccept(accept ?? ''), type)
}

interface MediaRange {
  readonly type: string
  readonly quality: number
}

function parseAccept(accept: string): MediaRange[] {
  return accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return { type, quality: weight === undefined ? 1 : Number(weight.slice(2)) || 0 }
  })
}

function isNamed(ranges: readonly MediaRange[], type: string): boolean {
  return ranges.some((range) => range.type === type && range.quality > 0)
}

/** The weight of the most specific range that covers `type`: the type itself, then its family, then anything. */
function quality(ranges: readonly MediaRange[], type: string): number {
  for (const candidate of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const range = ranges.find((one) => one.type === candidate)
    if (range) return range.quality
  }
  return 0
}
