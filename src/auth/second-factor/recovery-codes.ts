import { createHmac, randomBytes } from 'node:crypto'
import type { FactorOwner } from './owner.ts'

const COUNT = 10
/** Crockford's: none looks like another one. 32 letters, so a byte's low five bits choose evenly. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 16
const GROUPS = /.{4}(?=.)/g

/** Ten codes of 80 random bits, as `xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const letters = [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length])
    return letters.join('').replaceAll(GROUPS, '$&-')
  })
}

/**
 * What is stored of a code, however it is typed. Keyed, so that the database alone is not enough to search for 80 bits;
 * whoever has the key too could read the factor's own secret.
 *
 * @param key 32 bytes known to the platform alone
 */
export function hashRecoveryCode(key: Buffer, { realm, userId }: FactorOwner, code: string): string {
  const normal = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return createHmac('sha256', key).update(`${realm.scope} ${userId} ${normal}`).digest('base64url')
}
