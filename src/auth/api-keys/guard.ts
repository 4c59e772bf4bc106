import type { FastifyRequest } from 'fastify'
import type { PermissionGuard } from '../../http/index.ts'
import { isId } from '../../platform/index.ts'
import { tenancyErrors } from '../../tenancy/index.ts'
import { bearerTokenOf } from '../bearer.ts'
import { authErrors } from '../errors.ts'
import { permissionGuard } from '../permission-guard.ts'
import { SECURITY_SCHEMES } from '../security-schemes.ts'
import type { KeyAdmission } from './admission.ts'
import type { KeyPrincipal } from './principal.ts'

/** Makes the guard of routes for machines alone. */
export type KeyGuard = (tenantIdOf: (request: FastifyRequest) => unknown) => PermissionGuard<KeyPrincipal>

/**
 * For routes that name the organization in another way than the tenant header does, since some clients can send no header
 * of their own: `keyGuard(({ params }) => …).requires('directory.provision')`. Everything but a key that is good in that
 * organization is answered 401, access tokens too.
 */
export function createKeyGuard(keys: KeyAdmission): KeyGuard {
  return (tenantIdOf) => {
    const admit = async (request: FastifyRequest): Promise<KeyPrincipal> => {
      const token = bearerTokenOf(request)
      const tenantId = tenantIdOf(request)
      if (!isId(tenantId)) throw authErrors.invalidToken()
      return await keys.admit(token, tenantId)
    }
    return permissionGuard([{ [SECURITY_SCHEMES.apiKey]: [] }], admit, ERRORS, (principal) => principal)
  }
}

const ERRORS = [
  authErrors.authenticationRequired,
  authErrors.invalidToken,
  authErrors.permissionDenied,
  tenancyErrors.tenantNotReady,
  tenancyErrors.tenantUnavailable,
]
