import type { Id } from '../platform/index.ts'

/** What this feature tells of. */
export interface UserEvents {
  'tenant_user.updated': {
    readonly userId: Id
    /** Names of the fields that changed, not their values. */
    readonly fields: readonly string[]
  }
}
