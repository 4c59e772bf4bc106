import type { Id } from '../platform/index.ts'

/** What this feature tells of. */
export interface OrganizationEvents {
  /** Its database is ready and its owner is in it. */
  'organization.created': {
    readonly organizationId: Id
    readonly ownerId: Id
    readonly name: string
    readonly slug: string
    readonly databaseName: string
  }
  /** Who may join it. What did not change is absent. */
  'organization.policy_changed': {
    readonly changedBy: Id
    readonly registration?: 'open' | 'invite' | 'closed'
    readonly allowedEmailDomains?: readonly string[]
    readonly isImpersonationAllowed?: boolean
    readonly isSsoOnly?: boolean
  }
}
