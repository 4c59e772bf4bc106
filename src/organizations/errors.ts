import { defineErrors } from '../platform/index.ts'

export const organizationErrors = defineErrors({
  slugTaken: {
    code: 'slug-taken',
    status: 409,
    title: 'Slug already taken',
    detail: 'Another organization has this slug. Choose another one, or leave it out.',
  },
})
