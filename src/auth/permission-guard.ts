import type { FastifyRequest } from 'fastify'
import { createGuard, type PermissionGuard, type SecurityRequirement } from '../http/index.ts'
import type { ErrorFactory } from '../platform/index.ts'
import { isGrantable, isPermitted, PERMISSIONS, type TenantUser } from '../users/index.ts'
import { authErrors } from './errors.ts'

/** Somebody in an organization, or a machine that acts under somebody's name. */
export interface Member {
  readonly user: Pick<TenantUser, 'id' | 'role'>
  /** Of an API key: which of the role's permissions it has. */
  readonly scopes?: readonly string[]
}

/**
 * Makes a guard that every route tells what it is for. The role comes with the principal, so it costs no statement, and
 * a role that was changed counts from the next request on.
 *
 * @param memberOf the person whose role decides; `undefined` where there are no roles
 * @param keySecurity how the API description names keys, where the guard admits them
 */
export function permissionGuard<Admitted>(
  security: readonly SecurityRequirement[],
  admit: (request: FastifyRequest) => Promise<Admitted>,
  errors: readonly ErrorFactory[],
  memberOf: (admitted: Admitted) => Member | undefined,
  keySecurity: readonly SecurityRequirement[] = [],
): PermissionGuard<Admitted> {
  return {
    requires: (permission, { orSelf } = {}) => {
      if (!PERMISSIONS.has(permission)) throw new Error(`there is no permission "${permission}"`)
      const admitPermitted = async (request: FastifyRequest): Promise<Admitted> => {
        const admitted = await admit(request)
        const member = memberOf(admitted)
        if (member) requirePermission(member, permission, orSelf && parameter(request, orSelf))
        return admitted
      }
      const schemes = isGrantable(permission) ? [...security, ...keySecurity] : security
      return createGuard(schemes, admitPermitted, errors, permission)
    },
  }
}

/** @param self whose own affair it is */
function requirePermission({ user, scopes }: Member, permission: string, self: unknown): void {
  if (scopes === undefined) {
    if (user.id !== self && !isPermitted(user.role, permission)) throw authErrors.permissionDenied()
    return
  }
  // A machine is nobody's self. What became a person's own affair later is in no key any more.
  if (isPermitted(user.role, permission) && isGrantable(permission) && scopes.includes(permission)) return
  const detail = `This API key may not do this: its scopes lack "${permission}", or its creator's role does.`
  throw authErrors.permissionDenied({ detail })
}

function parameter({ params }: FastifyRequest, name: string): unknown {
  return typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
}
