import type { FastifyRequest } from 'fastify'
import { createGuard, type PermissionGuard, type SecurityRequirement } from '../http/index.ts'
import type { ErrorFactory, Id } from '../platform/index.ts'
import type { TenantTx } from '../tenancy/index.ts'
import {
  type Impersonator,
  isPermitted,
  PERMISSIONS,
  type Permission,
  type TenantUser,
} from '../users/index.ts'
import { authErrors } from './errors.ts'
import { requireActable } from './impersonation/admission.ts'
import { findRole } from './store.ts'

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

/**
 * Asks once more, in a transaction that holds the lock of members, what a guard asked before: since then the member may
 * have lost the role.
 *
 * @throws authErrors.permissionDenied
 */
export async function requireStillPermitted(tx: TenantTx, userId: Id, permission: Permission): Promise<void> {
  const role = await findRole(tx, userId)
  if (role === undefined || !isPermitted(role, permission)) throw authErrors.permissionDenied()
}

function parameter({ params }: FastifyRequest, name: string): unknown {
  return typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
}
