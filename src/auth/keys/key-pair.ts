import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import type { SecretBox } from '../../platform/index.ts'
import type { SigningKeyRow } from './store.ts'
import type { Audience } from './tables.ts'

/** One Ed25519 key pair, which serves one audience and no other algorithm. */
export interface SigningKey {
  readonly kid: string
  readonly audience: Audience
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** The keys in the core database were sealed with another secret. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError'
}

/**
 * A new key as it is stored. Its id is the RFC 7638 thumbprint of its public part, and begins with no dash: one in 64 would,
 * and `tenantry keys revoke` would take that for an option.
 */
export async function generateKey(
  audience: Audience,
  box: SecretBox,
): Promise<Pick<SigningKeyRow, 'kid' | 'audience' | 'publicJwk' | 'sealedPrivateKey'>> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const publicJwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  if (kid.startsWith('-')) return await generateKey(audience, box)
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  return { kid, audience, publicJwk, sealedPrivateKey: box.seal(pkcs8, sealContext(kid)).toString('base64') }
}

/**
 * The key of a row. Both parts come out of what was sealed: a row that somebody wrote into the core database without
 * the secret is no key.
 *
 * @throws SigningKeyError when TENANTRY_SECRET is not the one that sealed it
 */
export function openKey(
  { kid, audience, sealedPrivateKey }: Pick<SigningKeyRow, 'kid' | 'audience' | 'sealedPrivateKey'>,
  box: SecretBox,
): SigningKey {
  try {
    const pkcs8 = box.open(Buffer.from(sealedPrivateKey, 'base64'), sealContext(kid))
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    return { kid, audience, privateKey, publicKey: createPublicKey(privateKey) }
  } catch (error) {
    throw new SigningKeyError(
      'The signing keys in the core database were sealed with another TENANTRY_SECRET. Use that secret.',
      { cause: error },
    )
  }
}

function sealContext(kid: string): string {
  return `signing-key ${kid}`
}
