import { Type } from 'typebox'
import { type Guard, type HttpServer, type RatePolicy, responses } from '../../http/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import { tenancyErrors } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { AccountPrincipal } from '../guards.ts'
import { createTenantOf, realmOf } from '../realm.ts'
import { limited, realmHeaders } from '../routes.ts'
import { AuthResponse, presentSignedIn } from '../schemas.ts'
import type { AuthService } from '../service.ts'
import { originOf } from '../sessions/origin.ts'
import { secondFactorErrors } from './errors.ts'
import type { Factors } from './factors.ts'
import { type FactorOwner, ownerOf } from './owner.ts'
import {
  ConfirmBody,
  presentSummary,
  RecoveryCodesBody,
  readProof,
  SecondFactorBody,
  StepUpBody,
  TotpSecretBody,
  VerifyBody,
} from './schemas.ts'
import { type OwnSession, type StepUp, stepUpGuard } from './step-up.ts'

export interface SecondFactorRoutesOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly auth: AuthService
  readonly factors: Factors
  readonly stepUp: StepUp
  readonly accountGuard: Guard<AccountPrincipal>
  /** Admits those too who must set a factor up before anything else. */
  readonly enrolmentGuard: Guard<AccountPrincipal>
}

const PATH = '/api/v1/auth/mfa'
const TAGS = ['auth']
const NOTHING = { 204: Type.Null({ description: 'Done.' }) }
/** For each network; each challenge and each user has a limit besides. */
const PROOF_RATE: RatePolicy = { name: 'proof', limit: 30, windowSeconds: 60 }

/** Second factors and proving again who one is: for platform and tenant users alike. */
export function secondFactorRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  signInRoute(server, options)
  stepUpRoute(server, options)
  setUpRoutes(server, options)
  managingRoutes(server, options)
}

function signInRoute(server: HttpServer, { auth, tenancy, tenantHeader }: SecondFactorRoutesOptions): void {
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  server.post(
    `${PATH}/verify`,
    {
      ...limited(PROOF_RATE),
      schema: {
        operationId: 'verifySecondFactor',
        summary: 'End a sign-in that asked for a second factor',
        tags: TAGS,
        security: [],
        headers: realmHeaders(tenantHeader),
        body: VerifyBody,
        response: responses({ 200: AuthResponse }, [
          authErrors.invalidToken,
          authErrors.invalidCredentials,
          authErrors.tenantHeaderInvalid,
          ...Object.values(tenancyErrors),
        ]),
      },
    },
    async (request) => {
      const answer = { mfaToken: request.body.mfa_token, proof: readProof(request.body) }
      return presentSignedIn(await auth.verify(answer, originOf(request), await tenantOf(request)))
    },
  )
}

function stepUpRoute(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { core, stepUp, enrolmentGuard } = options
  server.post(
    '/api/v1/auth/step-up',
    {
      ...limited(PROOF_RATE),
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'stepUp',
        summary: 'Prove again who I am, so that this session may do what is dangerous for ten minutes',
        tags: TAGS,
        body: StepUpBody,
        response: responses(NOTHING, [authErrors.invalidCredentials, secondFactorErrors.mfaRequired]),
      },
    },
    async (request, reply) => {
      const principal = enrolmentGuard.admitted(request)
      const { owner, session } = callerOf(principal, core)
      const { password } = request.body
      await stepUp.prove(session, owner, password === undefined ? readProof(request.body) : { password })
      return await reply.code(204).send(null)
    },
  )
}

/** Enters a factor. The session must be fresh: else a stolen one would lock its owner out. */
function setUpRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { core, factors, stepUp, enrolmentGuard } = options
  server.post(
    `${PATH}/totp`,
    {
      ...limited(PROOF_RATE),
      onRequest: [enrolmentGuard.onRequest, stepUpGuard(enrolmentGuard).onRequest],
      schema: {
        operationId: 'beginTotp',
        summary: 'Get a secret for an authenticator app; it counts once it is confirmed',
        tags: TAGS,
        response: responses({ 201: TotpSecretBody }, [
          secondFactorErrors.secondFactorActive,
          secondFactorErrors.secondFactorElsewhere,
        ]),
      },
    },
    async (request, reply) => {
      const principal = enrolmentGuard.admitted(request)
      const { secret, uri } = await factors.begin(ownOwner(principal, core), principal.user.email)
      reply.code(201)
      return { secret, otpauth_uri: uri }
    },
  )
  server.post(
    `${PATH}/totp/confirm`,
    {
      ...limited(PROOF_RATE),
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'confirmTotp',
        summary: 'Let the authenticator app count, and get recovery codes',
        tags: TAGS,
        body: ConfirmBody,
        response: responses({ 200: RecoveryCodesBody }, [
          authErrors.invalidCredentials,
          secondFactorErrors.secondFactorActive,
          secondFactorErrors.secondFactorElsewhere,
        ]),
      },
    },
    async (request) => {
      const principal = enrolmentGuard.admitted(request)
      const codes = await factors.confirm(ownOwner(principal, core), request.body.code)
      await stepUp.note(callerOf(principal, core).session, 'otp')
      return { recovery_codes: codes }
    },
  )
}

function managingRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { core, factors, accountGuard, enrolmentGuard } = options
  const fresh = [accountGuard.onRequest, stepUpGuard(accountGuard).onRequest]
  const errors = [secondFactorErrors.noSecondFactor, secondFactorErrors.secondFactorElsewhere]
  server.get(
    PATH,
    {
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'getSecondFactor',
        summary: 'My second factors, and how many recovery codes are left',
        tags: TAGS,
        response: responses({ 200: SecondFactorBody }),
      },
    },
    async (request) => {
      const { owner, isLinked } = callerOf(enrolmentGuard.admitted(request), core)
      return presentSummary(await factors.summarize(owner), isLinked)
    },
  )
  server.post(
    `${PATH}/recovery-codes`,
    {
      onRequest: fresh,
      schema: {
        operationId: 'renewRecoveryCodes',
        summary: 'Get new recovery codes; the old ones are worth nothing any more',
        tags: TAGS,
        response: responses({ 200: RecoveryCodesBody }, errors),
      },
    },
    async (request) => {
      const owner = ownOwner(accountGuard.admitted(request), core)
      return { recovery_codes: await factors.renewRecoveryCodes(owner) }
    },
  )
  server.delete(
    `${PATH}/totp`,
    {
      onRequest: fresh,
      schema: {
        operationId: 'removeTotp',
        summary: 'Remove my authenticator app and all recovery codes',
        tags: TAGS,
        response: responses(NOTHING, errors),
      },
    },
    async (request, reply) => {
      await factors.remove(ownOwner(accountGuard.admitted(request), core))
      return await reply.code(204).send(null)
    },
  )
}

/** Whose factor counts for somebody, and the session that asks. */
function callerOf(
  principal: AccountPrincipal,
  core: CoreDb,
): { owner: FactorOwner; session: OwnSession; isLinked: boolean } {
  const realm = realmOf(core, principal.scope === 'tenant' ? principal.tenant : undefined)
  const coreUserId = principal.scope === 'tenant' ? principal.user.coreUserId : null
  return {
    owner: ownerOf(core, realm, { id: principal.user.id, coreUserId }),
    session: { db: realm.db, sessionId: principal.sessionId },
    isLinked: coreUserId !== null,
  }
}

/** Throws secondFactorErrors.secondFactorElsewhere to linked users: a tenant's token is not to change the core account. */
function ownOwner(principal: AccountPrincipal, core: CoreDb): FactorOwner {
  const { owner, isLinked } = callerOf(principal, core)
  if (isLinked) throw secondFactorErrors.secondFactorElsewhere()
  return owner
}
