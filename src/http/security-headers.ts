/** Answers of the API are data: nothing in them may run, load or be framed. */
const API_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** Two years, as the preload list asks for. */
const STRICT_TRANSPORT = 'max-age=63072000; includeSubDomains'

/**
 * The headers of every answer, as OWASP's secure headers project lists them for an API. A route may replace one, for
 * example `cache-control` of a public key set.
 *
 * @param hsts whether browsers shall refuse plain HTTP from now on; only where TLS ends in front of every host name
 */
export function securityHeaders(hsts: boolean): Readonly<Record<string, string>> {
  return Object.freeze({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'content-security-policy': API_CONTENT_POLICY,
    ...(hsts && { 'strict-transport-security': STRICT_TRANSPORT }),
  })
}
