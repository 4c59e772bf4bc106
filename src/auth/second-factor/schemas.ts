import { type Static, Type } from 'typebox'
import { Exactly, Timestamp } from '../../http/index.ts'
import { PasskeyAssertion, PasskeyBody, presentPasskey, readAssertion } from '../passkeys/schemas.ts'
import type { Passkey } from '../passkeys/store.ts'
import type { Proof } from './proof.ts'
import type { FactorSummary } from './store.ts'
import { FACTOR_KINDS } from './tables.ts'

const Code = Type.String({ pattern: '^[0-9]{6}$', description: 'The six digits that the app shows.' })
const RecoveryCode = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'One of the recovery codes; case, dashes and spaces do not matter.',
})

/** Exactly one of what is optional. */
const oneBeside = (others: number) => ({ minProperties: others + 1, maxProperties: others + 1 })

export const VerifyBody = Exactly(
  {
    mfa_token: Type.String({ minLength: 1, maxLength: 4096, description: 'What the sign-in was answered.' }),
    code: Type.Optional(Code),
    recovery_code: Type.Optional(RecoveryCode),
    passkey: Type.Optional(PasskeyAssertion),
  },
  { ...oneBeside(1), description: 'One of `code`, `recovery_code` and `passkey`.' },
)

export const StepUpBody = Exactly(
  {
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    code: Type.Optional(Code),
    recovery_code: Type.Optional(RecoveryCode),
    passkey: Type.Optional(PasskeyAssertion),
  },
  {
    ...oneBeside(0),
    description: 'One of the four: `password` only where the account has no second factor.',
  },
)

export const ConfirmBody = Exactly({ code: Code })

export const TotpSecretBody = Exactly(
  {
    secret: Type.String({ description: 'Base32, for typing into the app.' }),
    otpauth_uri: Type.String({ description: 'The same for a QR code.' }),
  },
  { $id: 'TotpSecret' },
)

export const RecoveryCodesBody = Exactly(
  {
    recovery_codes: Type.Array(Type.String(), {
      description: 'Each is good for one sign-in. They are shown this once.',
    }),
  },
  { $id: 'RecoveryCodes' },
)

export const SecondFactorBody = Exactly(
  {
    factors: Type.Array(Exactly({ kind: Type.Enum([...FACTOR_KINDS]), confirmed_at: Timestamp })),
    passkeys: Type.Array(PasskeyBody, { description: 'What there is to know of those among the factors.' }),
    recovery_codes_left: Type.Integer(),
    managed_on_platform: Type.Boolean({
      description: 'Whether they belong to the platform account that this user is linked to.',
    }),
  },
  { $id: 'SecondFactor' },
)

/** What is set up, as the API writes it. */
export function presentSummary(
  { factors, recoveryCodesLeft }: FactorSummary,
  passkeys: readonly Passkey[],
  isLinked: boolean,
): Static<typeof SecondFactorBody> {
  return {
    factors: factors.map(({ kind, confirmedAt }) => ({ kind, confirmed_at: confirmedAt.toISOString() })),
    passkeys: passkeys.map(presentPasskey),
    recovery_codes_left: recoveryCodesLeft,
    managed_on_platform: isLinked,
  }
}

/** The one of the three that the schema let through. */
export function readProof(body: {
  readonly code?: string
  readonly recovery_code?: string
  readonly passkey?: Static<typeof PasskeyAssertion>
}): Proof {
  if (body.passkey) return { passkey: readAssertion(body.passkey) }
  return body.code === undefined ? { recoveryCode: body.recovery_code ?? '' } : { code: body.code }
}
