import type { Id } from '../platform/index.ts'

/** What this feature tells of. */
export interface AuthEvents {
  'user.registered': { readonly userId: Id; readonly email: string }
  'user.logged_in': { readonly userId: Id; readonly scope: 'core' | 'tenant' }
  'tenant_user.registered': { readonly userId: Id; readonly email: string }
}
