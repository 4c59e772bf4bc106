const CHALLENGE = /^[A-Za-z0-9_-]{43}$/

/**
 * The challenge that a browser says it had signed, as a part of what was signed. `undefined` for what is none of ours, and
 * for what a page of another site asked for by a frame of ours.
 *
 * @param clientDataJson base64url
 */
export function challengeIn(clientDataJson: string): string | undefined {
  const { challenge, crossOrigin } = parse(clientDataJson)
  if (crossOrigin === true) return undefined
  return typeof challenge === 'string' && CHALLENGE.test(challenge) ? challenge : undefined
}

function parse(base64url: string): { readonly challenge?: unknown; readonly crossOrigin?: unknown } {
  try {
    const data: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'))
    return typeof data === 'object' && data !== null ? data : {}
  } catch {
    return {}
  }
}
