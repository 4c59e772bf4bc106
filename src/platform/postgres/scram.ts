import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

const SALT_BYTES = 16

/**
 * What PostgreSQL stores of a password. Sent instead of the password itself, so that no log, statement view or backup of
 * the server's log ever holds one.
 *
 * @param password ASCII, made by the platform
 * @param salt 16 random bytes
 * @param iterations of PBKDF2. They slow down who guesses; a password of 256 random bits is never guessed, and each
 *   4,096 of them cost a connection 1.5 ms
 * @throws Error when the salt has another length
 * @see https://www.rfc-editor.org/rfc/rfc5803
 */
export function scramVerifier(password: string, salt: Uint8Array, iterations = 1): string {
  if (salt.length !== SALT_BYTES) throw new Error(`a salt has ${SALT_BYTES} bytes`)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64')
  const serverKey = hmac(salted, 'Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
