import type { CorePrincipal, TenantPrincipal, Throttle } from '../auth/index.ts'
import type { Config } from '../config.ts'
import type { Cursors, Guard, HttpServer, PermissionGuard } from '../http/index.ts'
import type { Tenancy } from '../tenancy/index.ts'
import { memberErrors } from './errors.ts'
import { acceptanceRoutes } from './invitations/acceptance-routes.ts'
import { invitationErrors } from './invitations/errors.ts'
import { invitationRoutes } from './invitations/routes.ts'
import type { People } from './people.ts'
import { memberRoutes } from './routes.ts'

/** Every error of members and invitations, for the catalogue of problems. */
export const peopleErrors = [memberErrors, invitationErrors]

export interface PeopleRoutesOptions extends People {
  readonly config: Pick<Config, 'tenantHeader'>
  readonly tenancy: Tenancy
  readonly cursors: Cursors
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly coreGuard: Guard<CorePrincipal>
  readonly throttle: Throttle
}

/** Who belongs to an organization, and how they come to. */
export function peopleRoutes(server: HttpServer, people: PeopleRoutesOptions): void {
  memberRoutes(server, people)
  invitationRoutes(server, people)
  acceptanceRoutes(server, { ...people, tenantHeader: people.config.tenantHeader })
}
