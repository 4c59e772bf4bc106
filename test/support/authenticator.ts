import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { type Cbor, encodeCbor } from './cbor.ts'

export const ORIGIN = 'http://localhost:8000'
export const RP_ID = 'localhost'

/** What a browser is asked for, as far as an authenticator looks at it. */
export interface Asked {
  readonly challenge: string
}

/** What is different from what a good browser with a good authenticator does. */
export interface Quirks {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly userVerified?: boolean
  readonly userPresent?: boolean
  readonly counter?: number
  readonly isBackupEligible?: boolean
  readonly userHandle?: string | null | undefined
  /** Signs instead of the passkey's own key. */
  readonly key?: KeyObject
  readonly credentialId?: string
}

/** A passkey in software: none of the server's code, so that the tests do not believe the library. */
export interface SoftPasskey {
  readonly credentialId: string
  /** As `navigator.credentials.create()` and `toJSON()` of Chromium. */
  create(asked: Asked & { readonly user: { readonly id: string } }, quirks?: Quirks): Creation
  /** As `navigator.credentials.get()` and `toJSON()` of Chromium. */
  get(asked: Asked, quirks?: Quirks): Assertion
}

export type Creation = ReturnType<typeof creationOf>
export type Assertion = ReturnType<typeof assertionOf>

export interface SoftPasskeyOptions {
  readonly algorithm?: 'ES256' | 'EdDSA'
  /** Whether it is copied to other devices; such ones do not count their uses. */
  readonly isSynced?: boolean
  readonly credentialId?: string
}

export function softPasskey(options: SoftPasskeyOptions = {}): SoftPasskey {
  const { algorithm = 'ES256', isSynced = false } = options
  const { credentialId = randomBytes(20).toString('base64url') } = options
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519')
  const hash = algorithm === 'ES256' ? 'sha256' : null
  let uses = 0
  let owner: string | undefined

  const count = () => (isSynced ? 0 : ++uses)
  const headOf = (quirks: Quirks, hasKey: boolean) => {
    const { rpId = RP_ID, userPresent = true, userVerified = true, counter = count() } = quirks
    const { isBackupEligible = isSynced } = quirks
    const flags =
      Number(userPresent) | (Number(userVerified) << 2) | (isBackupEligible ? 0x18 : 0) | (hasKey ? 0x40 : 0)
    const numbers = Buffer.alloc(5)
    numbers.writeUInt8(flags)
    numbers.writeUInt32BE(counter, 1)
    return Buffer.concat([createHash('sha256').update(rpId).digest(), numbers])
  }

  return {
    credentialId,
    create: (asked, quirks = {}) => {
      owner = asked.user.id
      const id = quirks.credentialId ?? credentialId
      const idBytes = Buffer.from(id, 'base64url')
      const idLength = Buffer.from([idBytes.length >> 8, idBytes.length & 255])
      const parts = [headOf(quirks, true), Buffer.alloc(16), idLength, idBytes, coseOf(pair.publicKey)]
      return creationOf(id, clientData('webauthn.create', asked, quirks), Buffer.concat(parts))
    },
    get: (asked, quirks = {}) => {
      const id = quirks.credentialId ?? credentialId
      const client = clientData('webauthn.get', asked, quirks)
      const authData = headOf(quirks, false)
      const signed = Buffer.concat([authData, createHash('sha256').update(client).digest()])
      const signature = sign(hash, signed, quirks.key ?? pair.privateKey)
      const userHandle = 'userHandle' in quirks ? quirks.userHandle : owner
      return assertionOf(id, client, authData, signature, userHandle)
    },
  }
}

function clientData(type: string, asked: Asked, quirks: Quirks): Buffer {
  const { challenge = asked.challenge, origin = ORIGIN, crossOrigin = false, topOrigin } = quirks
  const data = { type: quirks.type ?? type, challenge, origin, crossOrigin, ...(topOrigin && { topOrigin }) }
  return Buffer.from(JSON.stringify(data))
}

function creationOf(id: string, client: Buffer, authData: Buffer) {
  const attestation = new Map<string, Cbor>([
    ['fmt', 'none'],
    ['attStmt', new Map()],
    ['authData', authData],
  ])
  return {
    authenticatorAttachment: 'platform',
    clientExtensionResults: { credProps: { rk: true } },
    id,
    rawId: id,
    response: {
      attestationObject: encodeCbor(attestation).toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      clientDataJSON: client.toString('base64url'),
      publicKey: 'AAAA',
      publicKeyAlgorithm: -7,
      transports: ['hybrid', 'internal'],
    },
    type: 'public-key',
  }
}

function assertionOf(
  id: string,
  client: Buffer,
  authData: Buffer,
  signature: Buffer,
  userHandle: string | null | undefined,
) {
  return {
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    id,
    rawId: id,
    response: {
      authenticatorData: authData.toString('base64url'),
      clientDataJSON: client.toString('base64url'),
      signature: signature.toString('base64url'),
      ...(userHandle !== undefined && { userHandle }),
    },
    type: 'public-key',
  }
}

/** RFC 9053: key type, algorithm, curve, coordinates. */
function coseOf(key: KeyObject): Buffer {
  const { x = '', y } = key.export({ format: 'jwk' })
  const bytes = (text: string) => Buffer.from(text, 'base64url')
  const kind = y === undefined ? { type: 1, algorithm: -8, curve: 6 } : { type: 2, algorithm: -7, curve: 1 }
  const shape = new Map<number, Cbor>([
    [1, kind.type],
    [3, kind.algorithm],
    [-1, kind.curve],
    [-2, bytes(x)],
  ])
  if (y !== undefined) shape.set(-3, bytes(y))
  return encodeCbor(shape)
}
