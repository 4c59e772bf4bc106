import { defineErrors } from '../../platform/index.ts'

export const policyErrors = defineErrors({
  registrationClosed: {
    code: 'registration-closed',
    status: 403,
    title: 'Registration closed',
    detail: 'This organization takes no new members.',
  },
  invitationRequired: {
    code: 'invitation-required',
    status: 403,
    title: 'Invitation required',
    detail: 'This organization takes new members by invitation only.',
  },
  emailDomainNotAllowed: {
    code: 'email-domain-not-allowed',
    status: 403,
    title: 'E-mail domain not allowed',
    detail: 'This organization takes addresses of certain domains only, and this is none of them.',
  },
  ssoRequired: {
    code: 'sso-required',
    status: 403,
    title: 'Identity provider required',
    detail:
      'This organization lets people in through its own identity provider only: begin at /api/v1/auth/sso/start.',
  },
})
