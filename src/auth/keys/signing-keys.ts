import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import type { SecretBox } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { insertSigningKey, listSigningKeys, lockSigningKeys, type SigningKeyRow } from './store.ts'

export type Audience = 'core' | 'tenant'

const AUDIENCES: readonly Audience[] = ['core', 'tenant']

/** One Ed25519 key pair, which serves one audience and no other algorithm. */
export interface SigningKey {
  readonly kid: string
  readonly audience: Audience
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** The keys by id, and the newest of each audience. */
export interface KeyRing {
  readonly byId: ReadonlyMap<string, SigningKey>
  readonly newest: Readonly<Record<Audience, SigningKey>>
}

/** The keys in the core database were sealed with another secret. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError'
}

/**
 * Loads the signing keys from the core database, and makes those that are missing: all processes on one core database
 * share them.
 *
 * @throws SigningKeyError when TENANTRY_SECRET is not the one that sealed them
 */
export async function loadKeyRing(core: CoreDb, box: SecretBox): Promise<KeyRing> {
  await core.transaction(async (tx) => {
    await lockSigningKeys(tx)
    const present = await listSigningKeys(tx)
    for (const audience of AUDIENCES) {
      if (!present.some((key) => key.audience === audience)) {
        await insertSigningKey(tx, await generateKey(audience, box))
      }
    }
  })
  const keys = (await listSigningKeys(core)).map((row) => openKey(row, box))
  return {
    byId: new Map(keys.map((key) => [key.kid, key])),
    newest: { core: newestOf(keys, 'core'), tenant: newestOf(keys, 'tenant') },
  }
}

async function generateKey(audience: Audience, box: SecretBox): Promise<Omit<SigningKeyRow, 'createdAt'>> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const publicJwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  return { kid, audience, publicJwk, sealedPrivateKey: box.seal(pkcs8, sealContext(kid)).toString('base64') }
}

function openKey({ kid, audience, publicJwk, sealedPrivateKey }: SigningKeyRow, box: SecretBox): SigningKey {
  try {
    const pkcs8 = box.open(Buffer.from(sealedPrivateKey, 'base64'), sealContext(kid))
    return {
      kid,
      audience,
      publicKey: createPublicKey({ key: { ...publicJwk }, format: 'jwk' }),
      privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    }
  } catch (error) {
    throw new SigningKeyError(
      'The signing keys in the core database were sealed with another TENANTRY_SECRET. Start with that secret.',
      { cause: error },
    )
  }
}

function sealContext(kid: string): string {
  return `signing-key ${kid}`
}

function newestOf(keys: readonly SigningKey[], audience: Audience): SigningKey {
  const newest = keys.findLast((key) => key.audience === audience)
  if (!newest) throw new SigningKeyError(`there is no signing key for ${audience} tokens`)
  return newest
}
