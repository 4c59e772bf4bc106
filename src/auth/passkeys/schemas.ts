import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, Timestamp } from '../../http/index.ts'
import type { Passkey } from './store.ts'
import type { Assertion, Creation } from './types.ts'

/** Bytes as browsers write them into JSON. */
const bytes = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]+$' })
/** 1,023 bytes at most. */
const CredentialId = bytes(1_364)
const ClientData = bytes(8_192)

/** Browsers add to it with every year: what is not needed is let through and not looked at. */
const OPEN = { additionalProperties: true } as const
const WHAT_BROWSERS_GIVE = 'What `toJSON()` of the browser’s `PublicKeyCredential` gives.'

/** `RegistrationResponseJSON` of WebAuthn. */
export const PasskeyCreation = Type.Object(
  {
    id: CredentialId,
    rawId: CredentialId,
    type: Type.Literal('public-key'),
    response: Type.Object(
      {
        clientDataJSON: ClientData,
        attestationObject: bytes(32_768),
        transports: Type.Optional(
          Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,32}$' }), { maxItems: 16 }),
        ),
      },
      OPEN,
    ),
  },
  { ...OPEN, description: WHAT_BROWSERS_GIVE },
)

/** `AuthenticationResponseJSON` of WebAuthn. */
export const PasskeyAssertion = Type.Object(
  {
    id: CredentialId,
    rawId: CredentialId,
    type: Type.Literal('public-key'),
    response: Type.Object(
      {
        clientDataJSON: ClientData,
        authenticatorData: bytes(8_192),
        signature: bytes(4_096),
        userHandle: Type.Optional(Nullable(Type.String({ maxLength: 88, pattern: '^[A-Za-z0-9_-]*$' }))),
      },
      OPEN,
    ),
  },
  { ...OPEN, description: WHAT_BROWSERS_GIVE },
)

const Name = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '\\S',
  description: 'What its owner calls it.',
})

export const NewPasskeyBody = Exactly({
  response: PasskeyCreation,
  name: Type.Optional(Name),
})

export const PasskeyNameBody = Exactly({ name: Name })

export const PasskeyLoginBody = Exactly({ response: PasskeyAssertion })

const PASSKEY = {
  id: Id,
  name: Type.String(),
  created_at: Timestamp,
  last_used_at: Nullable(Timestamp),
  is_backed_up: Type.Boolean({
    description: 'Whether it is copied to other devices of its owner, and so outlives this one.',
  }),
  transports: Type.Array(Type.String(), { description: 'How its authenticator is reached.' }),
}

export const PasskeyBody = Exactly(PASSKEY, { $id: 'Passkey' })

export const MadePasskeyBody = Exactly(
  {
    ...PASSKEY,
    recovery_codes: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Only where there were none. Each is good for one sign-in. They are shown this once.',
      }),
    ),
  },
  { $id: 'MadePasskey' },
)

const Descriptor = Exactly({
  id: Type.String(),
  type: Type.String(),
  transports: Type.Optional(Type.Array(Type.String())),
})

const Timeout = Type.Optional(Type.Integer({ description: 'Milliseconds.' }))
const Word = Type.Optional(Type.String())

/** `PublicKeyCredentialCreationOptionsJSON` of WebAuthn. */
export const CreationOptionsBody = Exactly(
  {
    challenge: Type.String(),
    rp: Exactly({ id: Word, name: Type.String() }),
    user: Exactly({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
    pubKeyCredParams: Type.Array(Exactly({ alg: Type.Integer(), type: Type.String() })),
    timeout: Timeout,
    attestation: Word,
    excludeCredentials: Type.Optional(Type.Array(Descriptor)),
    authenticatorSelection: Type.Optional(
      Exactly({
        residentKey: Word,
        requireResidentKey: Type.Optional(Type.Boolean()),
        userVerification: Word,
      }),
    ),
    extensions: Type.Optional(Exactly({ credProps: Type.Optional(Type.Boolean()) })),
  },
  {
    $id: 'PasskeyCreationOptions',
    description: 'For `PublicKeyCredential.parseCreationOptionsFromJSON()`.',
  },
)

/** `PublicKeyCredentialRequestOptionsJSON` of WebAuthn. */
export const RequestOptionsBody = Exactly(
  {
    challenge: Type.String(),
    rpId: Word,
    timeout: Timeout,
    userVerification: Word,
    allowCredentials: Type.Optional(Type.Array(Descriptor)),
  },
  {
    $id: 'PasskeyRequestOptions',
    description: 'For `PublicKeyCredential.parseRequestOptionsFromJSON()`.',
  },
)

export function readCreation({ id, rawId, response }: Static<typeof PasskeyCreation>): Creation {
  const { clientDataJSON, attestationObject, transports = [] } = response
  return { id, rawId, clientDataJson: clientDataJSON, attestationObject, transports }
}

export function readAssertion({ id, rawId, response }: Static<typeof PasskeyAssertion>): Assertion {
  const { clientDataJSON, authenticatorData, signature, userHandle } = response
  return {
    ...{ id, rawId, authenticatorData, signature },
    clientDataJson: clientDataJSON,
    userHandle: userHandle || undefined,
  }
}

/** A passkey as the API writes it, for its owner. */
export function presentPasskey(passkey: Passkey): Static<typeof PasskeyBody> {
  return {
    id: passkey.id,
    name: passkey.name,
    created_at: passkey.createdAt.toISOString(),
    last_used_at: passkey.lastUsedAt?.toISOString() ?? null,
    is_backed_up: passkey.isBackedUp,
    transports: passkey.transports,
  }
}
