import { defineErrors } from '../../platform/index.ts'

export const invitationErrors = defineErrors({
  invitationInvalid: {
    code: 'invitation-invalid',
    status: 400,
    title: 'Invitation not valid',
    detail: 'This invitation was used, revoked or replaced, ran out, or never was. Ask for a new one.',
  },
  invitationForAnother: {
    code: 'invitation-for-another',
    status: 403,
    title: 'Invitation of somebody else',
    detail: 'This invitation was sent to another e-mail address than that of your account.',
  },
  invitationPending: {
    code: 'invitation-pending',
    status: 409,
    title: 'Already invited',
    detail: 'This address has an invitation already. Send that one again, or revoke it.',
  },
  invitationSettled: {
    code: 'invitation-settled',
    status: 409,
    title: 'Invitation settled',
    detail: 'This invitation was accepted or revoked, and cannot be changed any more.',
  },
})
