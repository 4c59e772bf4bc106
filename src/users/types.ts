import type { Id } from '../platform/index.ts'
import type { coreUsers, tenantUsers } from './tables.ts'

/** Rows know the password hash; users, which leave the store, do not. */
export type CoreUserRow = typeof coreUsers.$inferSelect
export type TenantUserRow = typeof tenantUsers.$inferSelect

/** A platform user. */
export type CoreUser = Omit<CoreUserRow, 'passwordHash'>

/** A user of one organization. */
export type TenantUser = Omit<TenantUserRow, 'passwordHash'>

export type NewTenantUser = Pick<TenantUserRow, 'id' | 'email' | 'fullName' | 'passwordHash'>

/** What a user may change of its own profile. */
export type ProfileChanges = Partial<Pick<TenantUserRow, 'fullName' | 'phone' | 'avatarUrl' | 'metadata'>>

/** An administrator of the platform who acts as a user. */
export interface Impersonator {
  /** The core user's. */
  readonly id: Id
  readonly isReadOnly: boolean
  /** When that ends. */
  readonly expiresAt: Date
}
