import type { FastifyRequest } from 'fastify'
import { createGuard, type PermissionGuard, type SecurityRequirement } from '../http/index.ts'
import type { ErrorFactory } from '../platform/index.ts'
import { type Impersonator, isPermitted, PERMISSIONS, type TenantUser } from '../users/index.ts'
import { authErrors } from './errors.ts'
import { requireActable } from './impersonation/admission.ts'

/** Whose permissions decide. */
export interface Holder extends Pick<TenantUser, 'id' | 'role'> {
  /** Who acts under that name, if somebody does: then less is allowed. */
  readonly impersonator?: Impersonator | null
}

/**
 * Makes a guard that every route tells what it is for. The role comes with the principal, so it costs no statement, and
 * a role that was changed counts from the next request on.
 *
 * @param holderOf whose permissions decide; `undefined` where there are no roles
 */
export function permissionGuard<Admitted>(
  security: readonly SecurityRequirement[],
  admit: (request: FastifyRequest) => Promise<Admitted>,
  errors: readonly ErrorFactory[],
  holderOf: (admitted: Admitted) => Holder | undefined,
): PermissionGuard<Admitted> {
  return {
    requires: (permission, { orSelf } = {}) => {
      if (!PERMISSIONS.has(permission)) throw new Error(`there is no permission "${permission}"`)
      const admitPermitted = async (request: FastifyRequest): Promise<Admitted> => {
        const admitted = await admit(request)
        const holder = holderOf(admitted)
        if (!holder) return admitted
        const { id, role, impersonator } = holder
        const isSelf = orSelf !== undefined && parameter(request, orSelf) === id
        if (!isSelf && !isPermitted(role, permission)) throw authErrors.permissionDenied()
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
