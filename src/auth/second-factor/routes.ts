import { Type } from 'typebox'
import { type Guard, type HttpServer, responses } from '../../http/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import { tenancyErrors } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { AccountPrincipal } from '../guards.ts'
import { passkeyErrors } from '../passkeys/errors.ts'
import type { Passkeys } from '../passkeys/registration.ts'
import { createTenantOf } from '../realm.ts'
import { limitedEverywhere, PROOF_RATE, realmHeaders } from '../routes.ts'
import { AuthResponse, presentSignedIn } from '../schemas.ts'
import type { AuthService } from '../service.ts'
import { originOf } from '../sessions/origin.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { callerOf, ownOwner, requirePasswordCounts } from './caller.ts'
import { secondFactorErrors } from './errors.ts'
import type { Factors } from './factors.ts'
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
import { type StepUp, stepUpGuard } from './step-up.ts'

export interface SecondFactorRoutesOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly auth: AuthService
  readonly factors: Factors
  readonly passkeys: Pick<Passkeys, 'list'>
  readonly stepUp: StepUp
  readonly accountGuard: Guard<AccountPrincipal>
  /** Admits those too who must set a factor up before anything else. */
  readonly enrolmentGuard: Guard<AccountPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

const PATH = '/api/v1/auth/mfa'
const TAGS = ['auth']
const NOTHING = { 204: Type.Null({ description: 'Done.' }) }

/** Second factors and proving again who one is: for platform and tenant users alike. */
export function secondFactorRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  signInRoute(server, options)
  stepUpRoute(server, options)
  setUpRoutes(server, options)
  managingRoutes(server, options)
}

function signInRoute(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { auth, tenancy, tenantHeader, throttle } = options
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  server.post(
    `${PATH}/verify`,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
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
          passkeyErrors.passkeysOff,
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
  const { core, stepUp, enrolmentGuard, throttle } = options
  server.post(
    '/api/v1/auth/step-up',
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'stepUp',
        summary: 'Prove again who I am, so that this session may do what is dangerous for ten minutes',
        tags: TAGS,
        body: StepUpBody,
        response: responses(NOTHING, [
          authErrors.invalidCredentials,
          secondFactorErrors.mfaRequired,
          policyErrors.ssoRequired,
          passkeyErrors.passkeysOff,
        ]),
      },
    },
    async (request, reply) => {
      const principal = enrolmentGuard.admitted(request)
      const { owner, session } = callerOf(principal, core)
      const { password } = request.body
      if (password !== undefined) await requirePasswordCounts(principal)
      await stepUp.prove(session, owner, password === undefined ? readProof(request.body) : { password })
      return await reply.code(204).send(null)
    },
  )
}

/** Enters a factor. The session must be fresh: else a stolen one would lock its owner out. */
function setUpRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { core, factors, stepUp, enrolmentGuard, throttle } = options
  server.post(
    `${PATH}/totp`,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
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
      ...limitedEverywhere(throttle, PROOF_RATE),
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
      await stepUp.note(callerOf(principal, core).session, ['otp'])
      return { recovery_codes: codes }
    },
  )
}

function managingRoutes(server: HttpServer, options: SecondFactorRoutesOptions): void {
  const { core, factors, passkeys, accountGuard, enrolmentGuard } = options
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
      return presentSummary(await factors.summarize(owner), await passkeys.list(owner), isLinked)
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
        summary: 'Remove my authenticator app; with the last factor go the recovery codes',
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
