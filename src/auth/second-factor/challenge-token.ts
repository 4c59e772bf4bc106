import { createHash, randomBytes } from 'node:crypto'

/** A prefix tells a leak scanner, and a person, what this is. */
const PREFIX = 'trm_'
const TOKEN = /^trm_[A-Za-z0-9_-]{43}$/

/** 256 random bits for one sign-in. */
export function newChallengeToken(): string {
  return PREFIX + randomBytes(32).toString('base64url')
}

/** What is stored of a token. Its 256 bits cannot be guessed, so one fast hash is enough. */
export function hashChallengeToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

export function looksLikeChallengeToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Stands for a password without being any help in finding it: a hash of its hash. */
export function fingerprintOf(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url')
}
