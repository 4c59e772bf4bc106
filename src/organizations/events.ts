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
}
