import { BROWSER_MAP, getParser, OS_MAP } from 'bowser'
import { coarseNetworkOf } from '../../http/index.ts'
import { UNKNOWN_DEVICE } from './tables.ts'

/**
 * Where a session is used from, in words that its owner knows again. Coarse on purpose: enough to tell one's own from a
 * stranger's, too little to follow a person.
 */
export interface Origin {
  /** Browser and system, as "Firefox on Linux". */
  readonly device: string
  /** Network: the /24 of an IPv4 address, the /48 of an IPv6 address. */
  readonly address: string | null
}

/** Longer than what browsers send, and short enough for the library, some of whose patterns go back and forth. */
const USER_AGENT_MAX_LENGTH = 512

const BROWSERS = new Set(Object.values(BROWSER_MAP))
const SYSTEMS = new Set(Object.values(OS_MAP))

/** @param request its `ip` is the client's own where proxies are trusted */
export function originOf(request: {
  readonly headers: { readonly 'user-agent'?: string | undefined }
  readonly ip: string | undefined
}): Origin {
  return { device: deviceOf(request.headers['user-agent']), address: coarseAddress(request.ip) }
}

/** Says in words what a User-Agent header says, and only in words that the library knows: the rest is a stranger's text. */
export function deviceOf(userAgent = ''): string {
  const text = userAgent.slice(0, USER_AGENT_MAX_LENGTH)
  if (text.trim() === '') return UNKNOWN_DEVICE
  const parser = getParser(text, true)
  const browser = known(BROWSERS, parser.getBrowserName())
  const system = known(SYSTEMS, parser.getOSName())
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`
  return browser ?? system ?? UNKNOWN_DEVICE
}

/** The network of an address; `null` for what is none, such as the words of a proxy that has none to tell. */
export function coarseAddress(address = ''): string | null {
  return coarseNetworkOf(address) ?? null
}

function known(names: ReadonlySet<string>, name: string | undefined): string | undefined {
  return name !== undefined && names.has(name) ? name : undefined
}
