import type { FastifyRequest } from 'fastify'
import { createGuard, type PermissionGuard, type SecurityRequirement } from '../http/index.ts'
import type { ErrorFactory } from '../platform/index.ts'
import { isPermitted, PERMISSIONS, type TenantUser } from '../users/index.ts'
import { authErrors } from './errors.ts'

/**
 * Makes a guard that every route tells what it is for. The role comes with the principal, so it costs no statement, and
 * a role that was changed counts from the next request on.
 *
 * @param userOf the person whose role decides; `undefined` where there are no roles
 */
export function permissionGuard<Admitted>(
  security: readonly SecurityRequirement[],
  admit: (request: FastifyRequest) => Promise<Admitted>,
  errors: readonly ErrorFactory[],
  userOf: (admitted: Admitted) => Pick<TenantUser, 'id' | 'role'> | undefined,
): PermissionGuard<Admitted> {
  return {
    requires: (permission, { orSelf } = {}) => {
      if (!PERMISSIONS.has(permission)) throw new Error(`there is no permission "${permission}"`)
      const admitPermitted = async (request: FastifyRequest): Promise<Admitted> => {
        const admitted = await admit(request)
        const user = userOf(admitted)
        const isSelf = orSelf !== undefined && user !== undefined && parameter(request, orSelf) === user.id
        if (user && !isSelf && !isPermitted(user.role, permission)) throw authErrors.permissionDenied()
        return admitted
      }
      return createGuard(security, admitPermitted, errors, permission)
    },
  }
}

function parameter({ params }: FastifyRequest, name: string): unknown {
  return typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
}
