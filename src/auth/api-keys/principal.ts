import type { TenantDb } from '../../tenancy/index.ts'
import type { TenantUser } from '../../users/index.ts'

/**
 * A machine, in the organization of its key. It acts under the name of whoever made the key, and has no session: what
 * needs one cannot be given it.
 */
export interface KeyPrincipal {
  readonly via: 'key'
  readonly tenant: TenantDb
  /** Who made the key: active, and in the role that it has now. */
  readonly user: TenantUser
  readonly keyId: string
  /** Names of permissions. A request needs one that the creator's role has too. */
  readonly scopes: readonly string[]
  /** A machine proves nothing anew. */
  readonly isFresh: false
}
