import { Type } from 'typebox'
import { type HttpServer, RATE, type RatePolicy, responses } from '../http/index.ts'
import { policyErrors } from '../organizations/index.ts'
import { type Tenancy, tenancyErrors } from '../tenancy/index.ts'
import { userErrors } from '../users/index.ts'
import { authErrors } from './errors.ts'
import { createTenantOf, tenantToSignIn } from './realm.ts'
import { AuthResponse, LoginBody, presentSignedIn, RefreshBody, RegisterBody } from './schemas.ts'
import { secondFactorErrors } from './second-factor/errors.ts'
import type { AuthService } from './service.ts'
import { originOf } from './sessions/origin.ts'
import { createNetworkLimit, guardSignIn, type Limit } from './throttle/routes.ts'
import type { Throttle } from './throttle/throttle.ts'

export interface AuthRoutesOptions {
  readonly auth: AuthService
  readonly tenancy: Tenancy
  readonly throttle: Throttle
  /** Lower case. */
  readonly tenantHeader: string
}

/** Of routes that anybody may call, for what names the realm. */
export const REALM_ERRORS = [authErrors.tenantHeaderInvalid, ...Object.values(tenancyErrors)]
/** For each network, of proofs who somebody is; each challenge and each user has a limit besides. */
export const PROOF_RATE: RatePolicy = { name: 'proof', limit: 30, windowSeconds: 60 }
const BODY_LIMIT = 64 * 1024

/** Sign-up and sign-in: for one organization where the tenant header names it, for the platform without the header. */
export function authRoutes(server: HttpServer, options: AuthRoutesOptions): void {
  const { auth, tenancy, throttle, tenantHeader } = options
  const described = { tags: ['auth'], security: [], headers: realmHeaders(tenantHeader) }
  const tenantOf = createTenantOf(tenancy, tenantHeader)

  server.post(
    '/api/v1/auth/register',
    {
      ...limitedEverywhere(throttle, RATE.register),
      schema: { ...described, ...REGISTER },
    },
    async (request, reply) => {
      const { email, password, full_name } = request.body
      const registration = { email, password, fullName: full_name?.normalize('NFC') ?? null }
      const signedIn = await auth.register(registration, originOf(request), await tenantOf(request))
      reply.code(201)
      return presentSignedIn(signedIn)
    },
  )
  server.post(
    '/api/v1/auth/login',
    { ...limited(RATE.login), schema: { ...described, ...LOGIN } },
    async (request, reply) => {
      const { tenant, refusal } = (await tenantToSignIn(request, tenancy, tenantHeader)) ?? {}
      const signIn = () => auth.login(request.body, originOf(request), tenant, refusal)
      return presentSignedIn(await guardSignIn(throttle, request, reply, tenant, signIn))
    },
  )
  server.post(
    '/api/v1/auth/refresh',
    { ...limited(RATE.standard), schema: { ...described, ...REFRESH } },
    async (request) =>
      presentSignedIn(
        await auth.refresh(request.body.refresh_token, originOf(request), await tenantOf(request)),
      ),
  )
}

const REGISTER = {
  operationId: 'register',
  summary: 'Register a platform user, or a user of one organization',
  body: RegisterBody,
  response: responses({ 201: AuthResponse }, [
    ...REALM_ERRORS,
    userErrors.emailTaken,
    ...Object.values(policyErrors),
  ]),
}

const LOGIN = {
  operationId: 'login',
  summary: 'Sign in to the platform, or to one organization',
  body: LoginBody,
  response: responses({ 200: AuthResponse }, [
    ...REALM_ERRORS,
    authErrors.invalidCredentials,
    secondFactorErrors.mfaChallenge,
  ]),
}

const REFRESH = {
  operationId: 'refresh',
  summary: 'Exchange a refresh token for new tokens',
  body: RefreshBody,
  response: responses({ 200: AuthResponse }, [...REALM_ERRORS, authErrors.invalidToken]),
}

/** Not checked by the schema, whose 422 would come where the contract says 400: only described. */
export function realmHeaders(tenantHeader: string) {
  const description = 'The organization’s id. Without it the platform itself is meant.'
  return Type.Object({ [tenantHeader]: Type.Optional(Type.String({ description })) })
}

/** A body of an account's size, and a limit for each network. */
function limited(rateLimit: RatePolicy) {
  return { bodyLimit: BODY_LIMIT, config: { rateLimit } }
}

/** As `limited`, and the limit holds over all processes. */
export function limitedEverywhere(throttle: Pick<Throttle, 'spend'>, policy: RatePolicy) {
  const preHandler: Limit = createNetworkLimit(throttle)(policy)
  return { ...limited(policy), preHandler }
}
