/**
 * What a documentation page may do: load from this server and call it, nothing else. Both viewers write their styles
 * from JavaScript and inline their icons.
 */
export const DOCS_CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** ReDoc searches in a worker that it makes of a blob. */
export const REDOC_CONTENT_POLICY = `${DOCS_CONTENT_POLICY}; worker-src blob:`

/** Problem pages are text. */
export const TEXT_PAGE_CONTENT_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
