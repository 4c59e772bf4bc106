import { domainToASCII } from 'node:url'

/** RFC 5321 section 4.5.3.1: what a mail server need not take more of. */
const MAX_LOCAL = 64
const MAX_TOTAL = 254

/** Dot-atom of RFC 5322 in ASCII: no quotes, no comments, no dot at an end or twice in a row. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The one written form of an e-mail address, under which it is stored, compared and answered: lower case, the domain as
 * A-labels. `undefined` when it is no address that we accept.
 *
 * Lower case is applied to ASCII only, so no letter of another script can turn into one of an existing address
 * (CVE-2019-19844). Dots and plus tags stay: what a provider makes of them is not ours to guess.
 */
export function canonicalEmail(text: string): string | undefined {
  if (text.length > MAX_TOTAL) return undefined
  const at = text.lastIndexOf('@')
  const local = lowerAscii(text.slice(0, Math.max(at, 0)))
  const domain = canonicalDomain(text.slice(at + 1))
  if (local.length > MAX_LOCAL || !LOCAL.test(local) || domain === undefined) return undefined
  const canonical = `${local}@${domain}`
  return canonical.length > MAX_TOTAL ? undefined : canonical
}

/** The one written form of the part behind the @; `undefined` when it is no domain that we accept. */
export function canonicalDomain(text: string): string | undefined {
  // What a URL parser would read as more than a name (port, path, escape) is refused before it gets there.
  if (/[\s/:?#@[\]\\%]/.test(text)) return undefined
  const domain = domainToASCII(text)
  const labels = domain.split('.')
  const isName = labels.length > 1 && labels.every((label) => LABEL.test(label))
  // An IP address is no domain, however it is written: a top-level domain has a letter.
  return isName && /[a-z]/.test(labels.at(-1) ?? '') ? domain : undefined
}

function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
