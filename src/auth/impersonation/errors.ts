import { defineErrors } from '../../platform/index.ts'

/** What a guard refuses to who acts as a user. */
export const impersonatorErrors = defineErrors({
  impersonationReadOnly: {
    code: 'impersonation-read-only',
    status: 403,
    title: 'Read-only impersonation',
    detail: 'You act as this user to look, and may change nothing.',
  },
  notUnderImpersonation: {
    code: 'not-under-impersonation',
    status: 403,
    title: 'Not under impersonation',
    detail:
      'You act as this user. What is the user’s own, and what would outlast your visit, only the user may do.',
  },
})

export const impersonationErrors = defineErrors({
  impersonationForbidden: {
    code: 'impersonation-forbidden',
    status: 403,
    title: 'Impersonation forbidden',
    detail: 'This organization does not let administrators of the platform act as its users.',
  },
  impersonatedInactive: {
    code: 'impersonated-inactive',
    status: 409,
    title: 'User deactivated',
    detail: 'This user is deactivated, and nobody may act as one who is.',
  },
})
