import { defineErrors } from '../../platform/index.ts'

/** Most passkeys of one user. */
export const MAX_PASSKEYS = 10

export const passkeyErrors = defineErrors({
  passkeysOff: {
    code: 'passkeys-off',
    status: 501,
    title: 'Passkeys are off',
    detail:
      'This installation has no public address that passkeys could belong to. Its operator can set PUBLIC_URL or PASSKEY_ORIGINS.',
  },
  passkeyTaken: {
    code: 'passkey-taken',
    status: 409,
    title: 'Passkey known already',
    detail: 'This passkey belongs to an account already.',
  },
  tooManyPasskeys: {
    code: 'too-many-passkeys',
    status: 409,
    title: 'Too many passkeys',
    detail: `An account has ${MAX_PASSKEYS} passkeys at most; remove one before you add another one.`,
  },
})
