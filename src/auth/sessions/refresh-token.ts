import { createHash, createHmac, randomBytes } from 'node:crypto'

/** A prefix tells a leak scanner, and a person, what this is. */
const PREFIX = 'trt_'
const TOKEN = /^trt_[A-Za-z0-9_-]{43}$/

/** 256 random bits for a new session. */
export function newRefreshToken(): string {
  return PREFIX + randomBytes(32).toString('base64url')
}

/**
 * The one token that follows `token`. It is derived and not random, so that a client whose answer got lost asks again
 * and gets the same one, without a copy of it lying in the database.
 *
 * @param key 32 bytes known to the platform alone
 */
export function nextRefreshToken(key: Buffer, token: string): string {
  return PREFIX + createHmac('sha256', key).update(token).digest('base64url')
}

/** What is stored of a token. Its 256 bits cannot be guessed, so one fast hash is enough. */
export function hashRefreshToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

export function looksLikeRefreshToken(text: string): boolean {
  return TOKEN.test(text)
}
