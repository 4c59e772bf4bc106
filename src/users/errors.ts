import { defineErrors } from '../platform/index.ts'

export const userErrors = defineErrors({
  emailTaken: {
    code: 'email-taken',
    status: 409,
    title: 'E-mail already registered',
    detail: 'An account with this e-mail address exists here already. Sign in instead.',
  },
})
