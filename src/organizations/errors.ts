import { defineErrors } from '../platform/index.ts'

export const organizationErrors = defineErrors({
  slugTaken: {
    code: 'slug-taken',
    status: 409,
    title: 'Slug already taken',
    detail: 'Another organization has this slug. Choose another one, or leave it out.',
  },
  idempotencyConflict: {
    code: 'idempotency-conflict',
    status: 409,
    title: 'Request still running',
    detail: 'A request with this Idempotency-Key is still running. Repeat yours shortly to get its answer.',
    retryAfter: 1,
  },
  idempotencyMismatch: {
    code: 'idempotency-mismatch',
    status: 422,
    title: 'Idempotency-Key used before',
    detail: 'This Idempotency-Key came with another body before. A new request needs a new key.',
  },
})
