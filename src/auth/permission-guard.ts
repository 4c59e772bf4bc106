import type { FastifyRequest } from 'fastify'
import { createGuard, type PermissionGuard, type SecurityRequirement } from '../http/index.ts'
import type { ErrorFactory } from '../platform/index.ts'
import { type Impersonator, isPermitted, PERMISSIONS, type TenantUser } from '../users/index.ts'
import { authErrors } from './errors.ts'
import { requireActable } from './impersonation/admission.ts'

/** Somebody in an organization, and who acts as that. */
export interface Member {
  readonly user: Pick<TenantUser, 'id' | 'role'>
  readonly impersonator: Impersonator | null
}

/**
 * Makes a guard that every route tells what it is for. The role comes with the principal, so it costs no statement, and
 * a role that was changed counts from the next request on. Who acts as somebody else may do less.
 *
 * @param memberOf the person whose role decides; `undefined` where there are no roles
 */
export function permissionGuard<Admitted>(
  security: readonly SecurityRequirement[],
  admit: (request: FastifyRequest) => Promise<Admitted>,
  errors: readonly ErrorFactory[],
  memberOf: (admitted: Admitted) => Member | undefined,
): PermissionGuard<Admitted> {
  return {
    requires: (permission, { orSelf } = {}) => {
      if (!PERMISSIONS.has(permission)) throw new Error(`there is no permission "${permission}"`)
      const admitPermitted = async (request: FastifyRequest): Promise<Admitted> => {
        const admitted = await admit(request)
        const member = memberOf(admitted)
        if (!member) return admitted
        const { user, impersonator } = member
        const isSelf = orSelf !== undefined && parameter(request, orSelf) === user.id
        if (!isSelf && !isPermitted(user.role, permission)) throw authErrors.permissionDenied()
        if (impersonator) requireActable(impersonator, { method: request.method, permission, isOwn: isSelf })
        return admitted
      }
      return createGuard(security, admitPermitted, errors, permission)
    },
  }
}

function parameter({ params }: FastifyRequest, name: string): unknown {
  return typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
}
