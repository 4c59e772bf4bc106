import type { FastifyRequest } from 'fastify'
import { createGuard, type Guard, MALFORMED_CREDENTIALS, readBearerToken } from '../http/index.ts'
import { describeWork, type Id, isId } from '../platform/index.ts'
import { type CoreDb, type Tenancy, type TenantDb, tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser, TenantUser } from '../users/index.ts'
import { authErrors } from './errors.ts'
import type { AccessClaims, AccessTokens } from './keys/access-token.ts'
import type { Audience } from './keys/signing-keys.ts'
import { findCorePrincipal, findTenantPrincipal } from './store.ts'

export interface CorePrincipal {
  readonly user: CoreUser
  readonly sessionId: Id
}

export interface TenantPrincipal {
  readonly tenant: TenantDb
  readonly user: TenantUser
  readonly sessionId: Id
}

export interface GuardOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly tokens: AccessTokens
  /** Lower case. */
  readonly tenantHeader: string
}

/** Names of the security schemes in the OpenAPI document. */
export const SECURITY_SCHEMES = { core: 'coreToken', tenant: 'tenantToken', tenantId: 'tenantId' } as const

/** Errors that every guard can answer with. */
const TOKEN_ERRORS = [
  authErrors.authenticationRequired,
  authErrors.invalidToken,
  authErrors.insufficientScope,
]

/** Errors that a tenant guard answers with besides. */
const TENANT_ERRORS = [
  authErrors.tenantHeaderRequired,
  authErrors.tenantHeaderInvalid,
  authErrors.tenantMismatch,
  ...Object.values(tenancyErrors),
]

/** Admits platform users. The tenant header means nothing to it. */
export function createCoreGuard({ core, tokens }: GuardOptions): Guard<CorePrincipal> {
  const admit = async (request: FastifyRequest): Promise<CorePrincipal> => {
    const { userId, sessionId } = await authenticate(request, tokens, 'core')
    const user = await findCorePrincipal(core, sessionId, userId)
    if (!user) throw authErrors.invalidToken()
    describeWork({ user_id: user.id })
    return { user, sessionId }
  }
  return createGuard([{ [SECURITY_SCHEMES.core]: [] }], admit, TOKEN_ERRORS)
}

/** Admits those platform users who operate the platform. */
export function createAdminGuard(options: GuardOptions): Guard<CorePrincipal> {
  const coreGuard = createCoreGuard(options)
  const admit = async (request: FastifyRequest): Promise<CorePrincipal> => {
    await coreGuard.onRequest(request)
    const principal = coreGuard.admitted(request)
    if (!principal.user.isAdmin) throw authErrors.adminRequired()
    return principal
  }
  return createGuard(coreGuard.security, admit, [...TOKEN_ERRORS, authErrors.adminRequired])
}

/**
 * Admits the users of one organization, into its database and no other. The order of the checks is fixed: each of them,
 * made earlier, would tell a stranger something about tenants that are not theirs.
 */
export function createTenantGuard({ tenancy, tokens, tenantHeader }: GuardOptions): Guard<TenantPrincipal> {
  const admit = async (request: FastifyRequest): Promise<TenantPrincipal> => {
    const claims = await authenticate(request, tokens, 'tenant')
    const tenantId = readTenantHeader(request, tenantHeader)
    if (tenantId === undefined) throw authErrors.tenantHeaderRequired()
    if (tenantId !== claims.tenantId) throw authErrors.tenantMismatch()
    const tenant = await tenancy.enter(tenantId)
    const user = await findTenantPrincipal(tenant, claims.sessionId, claims.userId)
    if (!user) throw authErrors.invalidToken()
    describeWork({ user_id: user.id })
    return { tenant, user, sessionId: claims.sessionId }
  }
  const security = [{ [SECURITY_SCHEMES.tenant]: [], [SECURITY_SCHEMES.tenantId]: [] }]
  return createGuard(security, admit, [...TOKEN_ERRORS, ...TENANT_ERRORS])
}

/**
 * Reads the tenant header: `undefined` when it is not there.
 *
 * @throws authErrors.tenantHeaderInvalid unless it is one canonical id; a repeated header arrives joined, and is none
 */
export function readTenantHeader(request: FastifyRequest, tenantHeader: string): Id | undefined {
  const value = request.headers[tenantHeader]
  if (value === undefined) return undefined
  if (!isId(value)) throw authErrors.tenantHeaderInvalid()
  return value
}

async function authenticate<Wanted extends Audience>(
  request: FastifyRequest,
  tokens: AccessTokens,
  audience: Wanted,
): Promise<Extract<AccessClaims, { audience: Wanted }>> {
  const token = readBearerToken(request)
  if (token === undefined) throw authErrors.authenticationRequired()
  if (token === MALFORMED_CREDENTIALS) throw authErrors.invalidToken()
  const claims = await tokens.verify(token)
  if (!isFor(claims, audience)) throw authErrors.insufficientScope()
  return claims
}

function isFor<Wanted extends Audience>(
  claims: AccessClaims,
  audience: Wanted,
): claims is Extract<AccessClaims, { audience: Wanted }> {
  return claims.audience === audience
}
