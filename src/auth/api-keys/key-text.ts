import { createHash, randomBytes } from 'node:crypto'
import type { Id } from '../../platform/index.ts'

/** What a key says: which one it is, and what proves it. */
export interface KeyParts {
  readonly id: Id
  /** 32 random bytes in base64url. */
  readonly secret: string
}

/** Tells a leak scanner, a person, and the guards what it is; no other token begins so. */
const PREFIX = 'tnk_'

/** The last of 43 letters carries four bits and two zeros, so these alone end what 32 bytes are written as. */
const FORM = /^tnk_([0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15})_([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/

/** Whether a bearer token is meant to be a key, in whatever shape. */
export function isMeantAsKey(token: string): boolean {
  return token.startsWith(PREFIX)
}

/** A secret that nobody had before. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a secret. Its 256 bits cannot be guessed, so one fast hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** Writes a key: `tnk_`, its id without dashes, and the secret. @param parts its id is a UUIDv7 */
export function writeKey({ id, secret }: KeyParts): string {
  return `${PREFIX}${id.replaceAll('-', '')}_${secret}`
}

/** Reads what `writeKey` writes; `undefined` for any other text: each key has one spelling. */
export function readKey(text: string): KeyParts | undefined {
  const [, hex, secret] = FORM.exec(text) ?? []
  if (hex === undefined || secret === undefined) return undefined
  const id = [0, 8, 12, 16, 20].map((from, part, starts) => hex.slice(from, starts[part + 1])).join('-')
  return { id, secret }
}
