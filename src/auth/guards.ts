import type { FastifyRequest } from 'fastify'
import { createGuard, type Guard, type PermissionGuard } from '../http/index.ts'
import { describeWork, type Id, isId } from '../platform/index.ts'
import { type CoreDb, type Tenancy, type TenantDb, tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser, TenantUser } from '../users/index.ts'
import type { KeyAdmission } from './api-keys/admission.ts'
import { createKeyGuard, type KeyGuard } from './api-keys/guard.ts'
import { isMeantAsKey, readKey } from './api-keys/key-text.ts'
import type { KeyPrincipal } from './api-keys/principal.ts'
import { bearerTokenOf } from './bearer.ts'
import { authErrors } from './errors.ts'
import type { AccessClaims, AccessTokens } from './keys/access-token.ts'
import type { Audience } from './keys/tables.ts'
import { permissionGuard } from './permission-guard.ts'
import { secondFactorErrors } from './second-factor/errors.ts'
import type { Freshness } from './second-factor/step-up.ts'
import { SECURITY_SCHEMES } from './security-schemes.ts'
import { type Found, findCorePrincipal, findTenantPrincipal } from './store.ts'

export interface CorePrincipal extends Freshness {
  readonly user: CoreUser
  readonly sessionId: Id
  /** When the access token does. */
  readonly expiresAt: Date
}

/** Somebody who signed in to an organization. */
export interface SessionPrincipal extends Freshness {
  readonly via: 'session'
  readonly tenant: TenantDb
  readonly user: TenantUser
  readonly sessionId: Id
}

/** Somebody who signed in to an organization, or a machine with a key of it. */
export type TenantPrincipal = SessionPrincipal | KeyPrincipal

/** Somebody with an account on the platform or in one organization, whichever the token is for. */
export type AccountPrincipal =
  | ({ readonly scope: 'core' } & CorePrincipal)
  | ({ readonly scope: 'tenant' } & SessionPrincipal)

export interface GuardOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly tokens: AccessTokens
  readonly keys: KeyAdmission
  /** Lower case. */
  readonly tenantHeader: string
}

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
  secondFactorErrors.mfaRequired,
  authErrors.permissionDenied,
  ...Object.values(tenancyErrors),
]

const CORE_SECURITY = { [SECURITY_SCHEMES.core]: [] }
const TENANT_SECURITY = { [SECURITY_SCHEMES.tenant]: [], [SECURITY_SCHEMES.tenantId]: [] }
const KEY_SECURITY = { [SECURITY_SCHEMES.apiKey]: [], [SECURITY_SCHEMES.tenantId]: [] }

export interface Guards {
  readonly coreGuard: Guard<CorePrincipal>
  readonly adminGuard: Guard<CorePrincipal>
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly accountGuard: PermissionGuard<AccountPrincipal>
  /** The account guard without the question for a second factor: for what a member needs who has none yet. */
  readonly enrolmentGuard: PermissionGuard<AccountPrincipal>
  /** For machines alone, where the tenant header is not what names the organization. */
  readonly keyGuard: KeyGuard
}

/** Every guard that routes are given. */
export function createGuards(options: GuardOptions): Guards {
  return {
    coreGuard: createCoreGuard(options),
    adminGuard: createAdminGuard(options),
    tenantGuard: createTenantGuard(options),
    accountGuard: createAccountGuard(options, admitToTenant),
    enrolmentGuard: createAccountGuard(options, findInTenant),
    keyGuard: createKeyGuard(options.keys),
  }
}

/** Admits platform users. The tenant header means nothing to it. */
function createCoreGuard(options: GuardOptions): Guard<CorePrincipal> {
  const admit = async (request: FastifyRequest): Promise<CorePrincipal> =>
    await admitToCore(options, wanted(await authenticate(request, options.tokens), 'core'))
  return createGuard([CORE_SECURITY], admit, TOKEN_ERRORS)
}

/** Admits those platform users who operate the platform. */
function createAdminGuard(options: GuardOptions): Guard<CorePrincipal> {
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
function createTenantGuard(options: GuardOptions): PermissionGuard<TenantPrincipal> {
  const admit = async (request: FastifyRequest): Promise<TenantPrincipal> => {
    const token = bearerTokenOf(request)
    if (isMeantAsKey(token)) return await options.keys.admit(token, namedTenant(request, options))
    return await admitToTenant(options, request, wanted(await options.tokens.verify(token), 'tenant'))
  }
  const errors = [...TOKEN_ERRORS, ...TENANT_ERRORS]
  return permissionGuard([TENANT_SECURITY], admit, errors, (principal) => principal, [KEY_SECURITY])
}

/**
 * Admits either kind of user to what is their own: a core token as the core guard does, a tenant token as the tenant
 * guard. A key has no account. Roles, and so permissions, are those of organizations.
 */
function createAccountGuard(
  options: GuardOptions,
  admitMember: AdmitMember,
): PermissionGuard<AccountPrincipal> {
  const admit = async (request: FastifyRequest): Promise<AccountPrincipal> => {
    const claims = await authenticate(request, options.tokens)
    return claims.audience === 'core'
      ? { scope: 'core', ...(await admitToCore(options, claims)) }
      : { scope: 'tenant', ...(await admitMember(options, request, claims)) }
  }
  return permissionGuard(
    [CORE_SECURITY, TENANT_SECURITY],
    admit,
    [...TOKEN_ERRORS, ...TENANT_ERRORS],
    (principal) => (principal.scope === 'tenant' ? principal : undefined),
  )
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

type ClaimsFor<Wanted extends Audience> = Extract<AccessClaims, { audience: Wanted }>

async function admitToCore(
  { core }: GuardOptions,
  { userId, sessionId, expiresAt }: ClaimsFor<'core'>,
): Promise<CorePrincipal> {
  const found = await findCorePrincipal(core, sessionId, userId)
  if (!found) throw authErrors.invalidToken()
  describeWork({ user_id: found.user.id })
  return { ...found, sessionId, expiresAt: new Date(expiresAt * 1_000) }
}

type AdmitMember = typeof findInTenant

const admitToTenant: AdmitMember = async (options, request, claims) => {
  const principal = await findInTenant(options, request, claims)
  if (principal.lacksSecondFactor) throw secondFactorErrors.mfaRequired()
  return principal
}

async function findInTenant(
  options: GuardOptions,
  request: FastifyRequest,
  claims: ClaimsFor<'tenant'>,
): Promise<SessionPrincipal & Pick<Found<TenantUser>, 'lacksSecondFactor'>> {
  const tenantId = namedTenant(request, options)
  if (tenantId !== claims.tenantId) throw authErrors.tenantMismatch()
  const tenant = await options.tenancy.enter(tenantId)
  const found = await findTenantPrincipal(tenant, claims.sessionId, claims.userId)
  if (!found) throw authErrors.invalidToken()
  describeWork({ user_id: found.user.id })
  return { ...found, via: 'session', tenant, sessionId: claims.sessionId }
}

function namedTenant(request: FastifyRequest, { tenantHeader }: GuardOptions): Id {
  const tenantId = readTenantHeader(request, tenantHeader)
  if (tenantId === undefined) throw authErrors.tenantHeaderRequired()
  return tenantId
}

/** Who signed in. Whether a key is good is not asked where no key is: that would need an organization. */
async function authenticate(request: FastifyRequest, tokens: AccessTokens): Promise<AccessClaims> {
  const token = bearerTokenOf(request)
  if (isMeantAsKey(token)) throw readKey(token) ? authErrors.insufficientScope() : authErrors.invalidToken()
  return await tokens.verify(token)
}

/** Throws authErrors.insufficientScope. */
function wanted<Wanted extends Audience>(claims: AccessClaims, audience: Wanted): ClaimsFor<Wanted> {
  if (!isFor(claims, audience)) throw authErrors.insufficientScope()
  return claims
}

function isFor<Wanted extends Audience>(claims: AccessClaims, audience: Wanted): claims is ClaimsFor<Wanted> {
  return claims.audience === audience
}
