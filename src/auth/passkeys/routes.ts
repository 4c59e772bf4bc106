import { Type } from 'typebox'
import { Exactly, type Guard, type HttpServer, RATE, type RatePolicy, responses } from '../../http/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { AccountPrincipal } from '../guards.ts'
import { createTenantOf, realmOf } from '../realm.ts'
import { limitedEverywhere, PROOF_RATE, REALM_ERRORS, realmHeaders } from '../routes.ts'
import { AuthResponse, presentSignedIn } from '../schemas.ts'
import { callerOf } from '../second-factor/caller.ts'
import { secondFactorErrors } from '../second-factor/errors.ts'
import type { SecondFactorSignIn } from '../second-factor/sign-in.ts'
import type { AuthService } from '../service.ts'
import { originOf } from '../sessions/origin.ts'
import type { Throttle } from '../throttle/throttle.ts'
import type { Assertions } from './assertions.ts'
import { passkeyErrors } from './errors.ts'
import { PasskeyLoginBody, RequestOptionsBody, readAssertion } from './schemas.ts'
import type { PasskeySignIn } from './sign-in.ts'

export interface PasskeyRoutesOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly auth: AuthService
  readonly passkeySignIn: PasskeySignIn
  readonly assertions: Assertions
  readonly secondFactor: SecondFactorSignIn
  readonly throttle: Throttle
  readonly enrolmentGuard: Guard<AccountPrincipal>
}

const PATH = '/api/v1/auth'
const TAGS = ['auth']
/** Pages to sign in ask for options whenever they are opened, to offer passkeys where the address is typed. */
const OPTIONS_RATE: RatePolicy = { name: 'passkey-options', limit: 60, windowSeconds: 60 }

/** What passkeys are asked to sign, and signing in with one: for platform and tenant users alike. */
export function passkeyRoutes(server: HttpServer, options: PasskeyRoutesOptions): void {
  signInRoutes(server, options)
  secondFactorRoute(server, options)
  stepUpRoute(server, options)
}

function signInRoutes(server: HttpServer, options: PasskeyRoutesOptions): void {
  const { core, auth, passkeySignIn, tenancy, tenantHeader, throttle } = options
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  const described = { tags: TAGS, security: [], headers: realmHeaders(tenantHeader) }
  server.post(
    `${PATH}/passkeys/options`,
    {
      ...limitedEverywhere(throttle, OPTIONS_RATE),
      schema: {
        ...described,
        operationId: 'getPasskeyOptions',
        summary: 'Get what a passkey is to sign, to sign in with it',
        response: responses({ 200: RequestOptionsBody }, [...REALM_ERRORS, passkeyErrors.passkeysOff]),
      },
    },
    async (request) => await passkeySignIn.begin(realmOf(core, await tenantOf(request))),
  )
  server.post(
    `${PATH}/passkeys/login`,
    {
      ...limitedEverywhere(throttle, RATE.login),
      schema: {
        ...described,
        operationId: 'loginWithPasskey',
        summary: 'Sign in with a passkey, to the platform or to one organization',
        body: PasskeyLoginBody,
        response: responses({ 200: AuthResponse }, [
          ...REALM_ERRORS,
          authErrors.invalidCredentials,
          passkeyErrors.passkeysOff,
        ]),
      },
    },
    async (request) => {
      const assertion = readAssertion(request.body.response)
      return presentSignedIn(
        await auth.loginWithPasskey(assertion, originOf(request), await tenantOf(request)),
      )
    },
  )
}

function secondFactorRoute(server: HttpServer, options: PasskeyRoutesOptions): void {
  const { core, assertions, secondFactor, tenancy, tenantHeader, throttle } = options
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  server.post(
    `${PATH}/mfa/verify/options`,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
      schema: {
        operationId: 'getSecondFactorOptions',
        summary: 'Get what my passkey is to sign, to end a sign-in that asked for a second factor',
        tags: TAGS,
        security: [],
        headers: realmHeaders(tenantHeader),
        body: Exactly({ mfa_token: Type.String({ minLength: 1, maxLength: 4096 }) }),
        response: responses({ 200: RequestOptionsBody }, [
          ...REALM_ERRORS,
          authErrors.invalidToken,
          secondFactorErrors.noSecondFactor,
          passkeyErrors.passkeysOff,
        ]),
      },
    },
    async (request) => {
      const realm = realmOf(core, await tenantOf(request))
      const { owner, mfaTokenHash } = await secondFactor.ownerOfChallenge(realm, request.body.mfa_token)
      const use = { db: realm.db, purpose: 'second-factor', mfaTokenHash } as const
      return found(await assertions.ask(use, owner))
    },
  )
}

function stepUpRoute(server: HttpServer, options: PasskeyRoutesOptions): void {
  const { core, assertions, enrolmentGuard, throttle } = options
  server.post(
    `${PATH}/step-up/options`,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'getStepUpOptions',
        summary: 'Get what my passkey is to sign, to prove again who I am',
        tags: TAGS,
        response: responses({ 200: RequestOptionsBody }, [
          secondFactorErrors.noSecondFactor,
          passkeyErrors.passkeysOff,
        ]),
      },
    },
    async (request) => {
      const { owner, session } = callerOf(enrolmentGuard.admitted(request), core)
      return found(await assertions.ask({ ...session, purpose: 'step-up' }, owner))
    },
  )
}

/** Throws secondFactorErrors.noSecondFactor to who has no passkey. */
function found<Options>(options: Options | undefined): Options {
  if (!options) throw secondFactorErrors.noSecondFactor({ detail: 'This account has no passkey.' })
  return options
}
