import { defineErrors } from '../../platform/index.ts'
import { CHALLENGE } from '../errors.ts'

/** How long ago the user of a session may have proved who it is, for what is dangerous. */
export const STEP_UP_SECONDS = 600

export const secondFactorErrors = defineErrors({
  mfaRequired: {
    code: 'mfa-required',
    status: 403,
    title: 'Second factor required',
    detail:
      'This organization asks for a second factor. Set one up, on the platform if your account belongs to it, and show it.',
  },
  mfaChallenge: {
    code: 'mfa-required',
    status: 401,
    isVariant: true,
    title: 'Second factor required',
    detail:
      'The password is right. Send "mfa_token" to /api/v1/auth/mfa/verify with a code of one of the "methods".',
    headers: { 'www-authenticate': CHALLENGE },
  },
  stepUpRequired: {
    code: 'step-up-required',
    status: 403,
    title: 'Step-up required',
    detail: 'This action wants a recent proof of who you are: see POST /api/v1/auth/step-up, then try again.',
    // RFC 9470 section 3.
    headers: {
      'www-authenticate': `${CHALLENGE}, error="insufficient_user_authentication", max_age="${STEP_UP_SECONDS}"`,
    },
  },
  secondFactorActive: {
    code: 'second-factor-active',
    status: 409,
    title: 'Second factor already active',
    detail: 'This account has an authenticator app; remove it before you set up another one.',
  },
  secondFactorElsewhere: {
    code: 'second-factor-elsewhere',
    status: 409,
    title: 'Second factor of the platform account',
    detail:
      'You sign in here with your platform account, and so with its second factor. Change that with a core token.',
  },
  noSecondFactor: {
    code: 'no-second-factor',
    status: 404,
    title: 'No second factor',
    detail: 'This account has no second factor.',
  },
})
