const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Deepest nesting of objects and arrays; far more than any of our schemas has. */
const MAX_DEPTH = 32

/** Most keys and elements in one body, all levels together. */
const MAX_MEMBERS = 10_000

/**
 * Measures JSON text before it is parsed, in one pass over its bytes, so that 200,000 brackets cost a loop instead of
 * a stack. It does not judge syntax: a text that is no JSON is refused by the parser, whatever is found here.
 */
export function scanJson(bytes: Uint8Array): 'fits' | 'too-deep' | 'too-many' {
  let depth = 0
  let members = 0
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at)
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        members++
        if (++depth > MAX_DEPTH) return 'too-deep'
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--
        break
      case COMMA:
        if (++members > MAX_MEMBERS) return 'too-many'
        break
    }
  }
  return 'fits'
}

/** Finds the quote that ends the string which begins at `start`, or the end of the text. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++
    else if (bytes[at] === QUOTE) return at
  }
  return bytes.length
}
