import { createHash, randomBytes } from 'node:crypto'

/** Tokens of one kind that mean nothing by themselves: 256 random bits behind a prefix. */
export interface OpaqueTokens {
  make(): string
  /** What is stored of a token. Its 256 bits cannot be guessed, so one fast hash is enough. */
  hash(token: string): string
  /** Whether a text may be one of this kind; asked before anything is looked up. */
  looksLike(text: string): boolean
  /** The one token of these 32 bytes. */
  of(bytes: Buffer): string
}

const SECRET = /^[A-Za-z0-9_-]{43}$/

/** @param prefix tells a leak scanner, and a person, what a token is */
export function opaqueTokens(prefix: string): OpaqueTokens {
  const of = (bytes: Buffer) => prefix + bytes.toString('base64url')
  return {
    make: () => of(randomBytes(32)),
    hash: (token) => createHash('sha256').update(token).digest('base64url'),
    looksLike: (text) => text.startsWith(prefix) && SECRET.test(text.slice(prefix.length)),
    of,
  }
}
