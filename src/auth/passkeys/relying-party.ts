import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { PasskeyConfig } from '../../config.ts'
import type { Logger } from '../../platform/index.ts'
import { CHALLENGE_SECONDS } from './challenges.ts'
import { passkeyErrors } from './errors.ts'
import type { Passkey } from './store.ts'
import type { Assertion, Creation } from './types.ts'

/** What is known of a passkey once its making was checked. */
export type MadePasskey = Pick<
  Passkey,
  'credentialId' | 'publicKey' | 'counter' | 'transports' | 'isBackupEligible' | 'isBackedUp'
>

type Descriptor = Pick<Passkey, 'credentialId' | 'transports'>

/** What talks to authenticators and checks what they signed. All throws passkeyErrors.passkeysOff where they are off. */
export interface RelyingParty {
  /** Asked before anything is written for a stranger. */
  requireOn(): void
  /** @param known passkeys that the user has, so that an authenticator does not make a second one */
  creationOptions(
    challenge: Uint8Array<ArrayBuffer>,
    user: { readonly handle: Uint8Array<ArrayBuffer>; readonly name: string; readonly displayName: string },
    known: readonly Descriptor[],
  ): Promise<PublicKeyCredentialCreationOptionsJSON>
  /** @param allowed those that may answer; absent, any that the browser knows for this domain */
  requestOptions(
    challenge: Uint8Array<ArrayBuffer>,
    allowed?: readonly Descriptor[],
  ): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** `undefined` for what is not to be believed, whyever. @param challenge base64url */
  checkCreation(creation: Creation, challenge: string): Promise<MadePasskey | undefined>
  /** The same for an assertion. Whether the counter grew is left to the caller. */
  checkAssertion(
    assertion: Assertion,
    challenge: string,
    passkey: Passkey,
  ): Promise<Pick<Passkey, 'counter' | 'isBackedUp'> | undefined>
}

const NAME = 'Tenantry'
/** EdDSA, ES256, RS256: what authenticators have. */
const ALGORITHMS = [-8, -7, -257]

/** @param config `undefined` switches passkeys off */
export function createRelyingParty(config: PasskeyConfig | undefined, log: Logger): RelyingParty {
  const own = (): { rpId: string; origins: string[] } => {
    if (!config) throw passkeyErrors.passkeysOff()
    return { rpId: config.rpId, origins: [...config.origins] }
  }
  const expected = (challenge: string) => {
    const { rpId, origins } = own()
    return { expectedChallenge: challenge, expectedOrigin: origins, expectedRPID: rpId }
  }
  // The library throws for each thing that is not as it must be, and a stranger may send anything.
  const unlessRefused = async <T>(check: Promise<T>): Promise<T | undefined> =>
    await check.catch((error: unknown) => {
      log.debug({ err: error }, 'a passkey was refused')
      return undefined
    })

  return {
    requireOn: () => void own(),
    creationOptions: async (challenge, { handle, name, displayName }, known) => {
      const { rpId } = own()
      const { generateRegistrationOptions } = await library()
      return await generateRegistrationOptions({
        rpName: NAME,
        rpID: rpId,
        userID: handle,
        userName: name,
        userDisplayName: displayName,
        challenge,
        timeout: CHALLENGE_SECONDS * 1_000,
        attestationType: 'none',
        // Signing in asks for no address, so the authenticator has to know whose passkey it is.
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: known.map(describe),
        supportedAlgorithmIDs: ALGORITHMS,
      })
    },
    requestOptions: async (challenge, allowed = []) => {
      const { rpId } = own()
      const { generateAuthenticationOptions } = await library()
      return await generateAuthenticationOptions({
        rpID: rpId,
        challenge,
        timeout: CHALLENGE_SECONDS * 1_000,
        userVerification: 'required',
        allowCredentials: allowed.map(describe),
      })
    },
    checkCreation: async (creation, challenge) => {
      const wanted = expected(challenge)
      return await unlessRefused(checkCreation(creation, wanted))
    },
    checkAssertion: async (assertion, challenge, passkey) => {
      const wanted = expected(challenge)
      return await unlessRefused(checkAssertion(assertion, wanted, passkey))
    },
  }
}

interface Expected {
  readonly expectedChallenge: string
  readonly expectedOrigin: string[]
  readonly expectedRPID: string
}

async function checkCreation(
  { id, rawId, clientDataJson, attestationObject, transports }: Creation,
  expected: Expected,
): Promise<MadePasskey | undefined> {
  const { verifyRegistrationResponse } = await library()
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    ...expected,
    requireUserVerification: true,
    supportedAlgorithmIDs: ALGORITHMS,
    response: {
      id,
      rawId,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientDataJson,
        attestationObject: await withoutAttestation(attestationObject),
      },
    },
  })
  if (!verified) return undefined
  const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo
  if (credential.id !== id) return undefined
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: [...transports],
    isBackupEligible: credentialDeviceType === 'multiDevice',
    isBackedUp: credentialBackedUp,
  }
}

async function checkAssertion(
  { id, rawId, clientDataJson, authenticatorData, signature }: Assertion,
  expected: Expected,
  passkey: Passkey,
): Promise<Pick<Passkey, 'counter' | 'isBackedUp'> | undefined> {
  const { verifyAuthenticationResponse } = await library()
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    ...expected,
    requireUserVerification: true,
    credential: {
      id: passkey.credentialId,
      publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
      // The library looks at the counter before the signature; what no signature covers tells nothing of a clone.
      counter: 0,
    },
    response: {
      id,
      rawId,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON: clientDataJson, authenticatorData, signature },
    },
  })
  const { newCounter, credentialBackedUp, credentialDeviceType } = authenticationInfo
  // WebAuthn 3 section 7.2: whether it can be copied never changes.
  const isSameKind = (credentialDeviceType === 'multiDevice') === passkey.isBackupEligible
  return verified && isSameKind ? { counter: newCounter, isBackedUp: credentialBackedUp } : undefined
}

/**
 * Leaves out what authenticators say of their makers. None was asked for, and checking it means to fetch lists of revoked
 * certificates from wherever the certificate says.
 *
 * @param attestationObject base64url, as what is given
 */
async function withoutAttestation(attestationObject: string): Promise<string> {
  const { decodeAttestationObject, isoBase64URL, isoCBOR } = await import('@simplewebauthn/server/helpers')
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('authData')
  const nothing = new Map<string, string>()
  const parts = new Map<string, string | typeof nothing | Uint8Array>([
    ['fmt', 'none'],
    ['attStmt', nothing],
    ['authData', authData],
  ])
  return isoBase64URL.fromBuffer(isoCBOR.encode(parts))
}

function describe({ credentialId, transports }: Descriptor): { id: string; transports: string[] } {
  return { id: credentialId, transports: [...transports] }
}

/** Loaded when the first passkey is: it takes 0.2 s, which every command would wait for. */
async function library() {
  return await import('@simplewebauthn/server')
}
