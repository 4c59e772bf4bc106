import { httpErrors } from '../http/index.ts'
import { AppError, databaseFault, defineErrors } from '../platform/index.ts'

export const tenancyErrors = defineErrors({
  tenantNotFound: {
    code: 'tenant-not-found',
    status: 404,
    title: 'Tenant not found',
    detail: 'There is no organization with this id.',
  },
  tenantSuspended: {
    code: 'tenant-suspended',
    status: 403,
    title: 'Tenant suspended',
    detail: 'This organization is suspended. Ask its owner or the platform’s support.',
  },
  tenantNotReady: {
    code: 'tenant-not-ready',
    status: 503,
    title: 'Tenant not ready',
    detail: 'This organization’s database is being set up or migrated. Try again shortly.',
    retryAfter: 5,
  },
  tenantUnavailable: {
    code: 'tenant-unavailable',
    status: 503,
    title: 'Tenant unavailable',
    detail: 'This organization’s database cannot be used right now. The operators have been told.',
    retryAfter: 30,
  },
})

/**
 * Translates what a tenant's database answered: its being missing, locked or behind is never the client's fault, and
 * never a 401, 403 or 404. Whatever is no fault of the database comes back unchanged.
 */
export function tenantFault(error: unknown): unknown {
  if (error instanceof AppError) return error
  switch (databaseFault(error)) {
    case 'missing-database':
    case 'forbidden':
      return tenancyErrors.tenantUnavailable({ cause: error })
    case 'schema-mismatch':
      return tenancyErrors.tenantNotReady({ cause: error })
    case 'overloaded':
      return httpErrors.overloaded({ cause: error })
    default:
      return error
  }
}
