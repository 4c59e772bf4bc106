import type { KeyObject } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Exactly } from '../../http/index.ts'
import type { SecretBox } from '../../platform/index.ts'
import { openKey, type SigningKey, SigningKeyError } from './key-pair.ts'
import type { KeyRecord, KeyState } from './store.ts'
import { AUDIENCES, type Audience } from './tables.ts'

/** A public key as RFC 8037 section 2 writes it. */
export const PublicJwk = Exactly(
  {
    kty: Type.Literal('OKP'),
    crv: Type.Literal('Ed25519'),
    x: Type.String({ description: 'The public key, base64url.' }),
    kid: Type.String({ description: 'As in the header of tokens.' }),
    alg: Type.Literal('EdDSA'),
    use: Type.Literal('sig'),
  },
  { $id: 'PublicJwk' },
)
type PublicJwk = Static<typeof PublicJwk>

/** The keys at one moment; it never changes. */
export interface KeySet {
  /** Those whose tokens are accepted, and those that are about to sign. */
  readonly byId: ReadonlyMap<string, SigningKey>
  readonly signing: Readonly<Record<Audience, SigningKey>>
  /** The public parts of `byId`. */
  readonly published: readonly PublicJwk[]
  /** Ids of keys that should be in `byId` and could not be opened. */
  readonly unreadable: readonly string[]
}

/** In the order in which they are preferred for signing, should the core database's clock have been set back. */
const LIVE: readonly KeyState[] = ['signing', 'next', 'verifying']

/**
 * Opens what the core database has. A key that does not open neither signs nor verifies.
 *
 * @param records in the order in which they sign
 * @throws SigningKeyError when there is nothing to sign with for one of the audiences
 */
export function createKeySet(records: readonly KeyRecord[], box: SecretBox): KeySet {
  const opened: { readonly key: SigningKey; readonly state: KeyState }[] = []
  const unreadable: string[] = []
  let failure: unknown
  for (const record of records.filter(({ state }) => LIVE.includes(state))) {
    try {
      opened.push({ key: openKey(record, box), state: record.state })
    } catch (error) {
      failure = error
      unreadable.push(record.kid)
    }
  }
  const signer = (audience: Audience): SigningKey => {
    for (const state of LIVE) {
      const found = opened.findLast((one) => one.state === state && one.key.audience === audience)
      if (found) return found.key
    }
    throw failure ?? new SigningKeyError(`There is no signing key for ${audience} tokens.`)
  }
  return {
    byId: new Map(opened.map(({ key }) => [key.kid, key])),
    signing: { core: signer('core'), tenant: signer('tenant') },
    published: opened.map(({ key }) => publicJwk(key)),
    unreadable,
  }
}

/** The audiences that nothing signs for, now or soon. */
export function unservedAudiences(records: readonly KeyRecord[]): Audience[] {
  const serves = ({ state }: KeyRecord) => state === 'signing' || state === 'next'
  return AUDIENCES.filter((audience) => !records.some((key) => key.audience === audience && serves(key)))
}

/** Member by member, of the public part alone: nothing else can get out. */
function publicJwk({ kid, publicKey }: { kid: string; publicKey: KeyObject }): PublicJwk {
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }
}
