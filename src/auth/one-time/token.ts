import { createHash, randomBytes } from 'node:crypto'

/** A prefix tells a leak scanner, and a person, what this is. */
const PREFIX = 'tro_'
const TOKEN = /^tro_[A-Za-z0-9_-]{43}$/

/** 256 random bits for one link. */
export function newOneTimeToken(): string {
  return PREFIX + randomBytes(32).toString('base64url')
}

/** What is stored of a token. Its 256 bits cannot be guessed, so one fast hash is enough. */
export function hashOneTimeToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

export function looksLikeOneTimeToken(text: string): boolean {
  return TOKEN.test(text)
}
