import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts small secrets for storage, and derives keys for other uses from the same master secret. */
export interface SecretBox {
  /** @param context what the secret belongs to; opening it for anything else fails */
  seal(plain: Uint8Array, context: string): Buffer
  /** @throws Error when the master secret or the context differs, or the bytes were changed */
  open(sealed: Uint8Array, context: string): Buffer
  /** A 32 byte key for one named purpose. */
  deriveKey(purpose: string): Buffer
}

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under a key derived from the master secret with HKDF-SHA-256.
 *
 * @see https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf
 */
export function createSecretBox(masterSecret: string): SecretBox {
  const deriveKey = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', masterSecret, 'tenantry', purpose, 32))
  const key = deriveKey('secret-box')

  return {
    deriveKey,
    seal: (plain, context) => {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context))
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed])
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
    },
  }
}
