import { defineErrors } from '../../platform/index.ts'

/** Most keys of an organization that are neither revoked nor expired. */
export const MAX_LIVE_KEYS = 100

export const apiKeyErrors = defineErrors({
  tooManyKeys: {
    code: 'too-many-api-keys',
    status: 409,
    title: 'Too many API keys',
    detail: `An organization has at most ${MAX_LIVE_KEYS} keys that are good. Revoke one that nobody needs.`,
  },
})
