/**
 * What no text of ours may hold: controls other than tab and line breaks (C0, DEL, C1), lone surrogates, noncharacters,
 * the byte order mark, and the bidirectional overrides that make text read as something else than it is.
 * PostgreSQL refuses NUL and lone surrogates too, but with an error that would look like a bug.
 */
const FORBIDDEN = /[[\p{Cc}--[\t\n\r]]\p{Cs}\p{Noncharacter_Code_Point}\u202A-\u202E\u2066-\u2069\uFEFF]/v

/** Says whether `text` holds only characters that may be stored and shown. Takes linear time. */
export function isCleanText(text: string): boolean {
  return !FORBIDDEN.test(text)
}
