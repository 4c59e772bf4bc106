import { Type } from 'typebox'
import {
  AuthResponse,
  createNetworkLimit,
  createTenantOf,
  limitedEverywhere,
  originOf,
  presentSignedIn,
  realmHeaders,
  type Throttle,
} from '../../auth/index.ts'
import { type HttpServer, type RatePolicy, responses } from '../../http/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import { type Tenancy, tenancyErrors } from '../../tenancy/index.ts'
import { ssoErrors } from '../errors.ts'
import { answer, type Callback } from './callback.ts'
import { finish } from './finish.ts'
import type { SignInOptions } from './options.ts'
import { CallbackBody, CallbackParams, CallbackQuery, EndBody, StartBody, Started } from './schemas.ts'
import { begin, routeByEmail } from './start.ts'

export interface SignInRoutesOptions {
  readonly signIn: SignInOptions
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly throttle: Pick<Throttle, 'spend'>
}

export const ATTEMPT_SECONDS = 600
/** For each network: a sign-in takes three requests, and many people may share one address. */
export const SSO_RATE: RatePolicy = { name: 'sso', limit: 60, windowSeconds: 60 }
const DESCRIBED = { tags: ['sso'], security: [] }
/** A description, a code and a set of keys, each asked for once, of somebody else. */
const CALLBACK_TIMEOUT_MS = 20_000

/** Signing in through an organization's identity provider: begin, come back, end. */
export function signInRoutes(
  server: HttpServer,
  { signIn, tenancy, tenantHeader, throttle }: SignInRoutesOptions,
): void {
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  const headers = realmHeaders(tenantHeader)

  server.post(
    '/api/v1/auth/sso/start',
    { ...limitedEverywhere(throttle, SSO_RATE), schema: { ...START, headers } },
    async (request, reply) => {
      const { email, return_url: returnUrl, reauthenticate: isAnew } = request.body
      const tenant = (await tenantOf(request)) ?? (await routeByEmail(signIn, email ?? ''))
      const begun = await begin(signIn, tenant, { email, returnUrl, isAnew }, null)
      reply.code(201)
      return presentBegun(begun)
    },
  )
  server.get(
    '/api/v1/auth/sso/callback/:tenant_id',
    {
      config: { rateLimit: SSO_RATE, timeoutMs: CALLBACK_TIMEOUT_MS },
      preHandler: createNetworkLimit(throttle)(SSO_RATE),
      schema: CALLBACK,
    },
    async (request, reply) => {
      const [, query = ''] = request.url.split(/\?(.*)/s)
      const outcome = await answer(signIn, request.params.tenant_id, query)
      const { returnUrl } = outcome
      if (returnUrl !== null) return await reply.redirect(locate(returnUrl, outcome), 303)
      if ('error' in outcome) throw outcome.error
      return await reply.code(200).send({ code: outcome.code })
    },
  )
  server.post(
    '/api/v1/auth/sso/token',
    { ...limitedEverywhere(throttle, SSO_RATE), schema: TOKEN },
    async (request) => presentSignedIn(await finish(signIn, request.body, originOf(request))),
  )
}

/** What a client is given that begins. */
export function presentBegun({ authorizationUrl, attempt }: Awaited<ReturnType<typeof begin>>) {
  return { authorization_url: authorizationUrl, attempt, expires_in: ATTEMPT_SECONDS }
}

/** Behind `#`, which reaches no server and so no log. */
function locate(returnUrl: string, outcome: Callback): string {
  const parameters = 'error' in outcome ? { error: outcome.error.code } : { code: outcome.code }
  return `${returnUrl}#${new URLSearchParams(parameters)}`
}

const PROVIDER_ERRORS = [ssoErrors.providerUnavailable, ssoErrors.providerFailed]

/** What a client that begins may hear. */
export const START_ERRORS = [ssoErrors.ssoNotConfigured, ...PROVIDER_ERRORS]

const START = {
  ...DESCRIBED,
  operationId: 'startSso',
  summary:
    'Begin a sign-in at the identity provider of an organization: that of the tenant header, or of an address',
  body: StartBody,
  response: responses({ 201: Started }, [...START_ERRORS, ...Object.values(tenancyErrors)]),
}

const CALLBACK = {
  ...DESCRIBED,
  operationId: 'ssoCallback',
  summary: 'Where the identity provider sends the browser; goes on to the page that the client named',
  params: CallbackParams,
  querystring: CallbackQuery,
  response: responses(
    {
      200: CallbackBody,
      303: Type.Null({ description: 'To the return URL, with `#code=…` for the client, or `#error=…`.' }),
    },
    [
      ...PROVIDER_ERRORS,
      ssoErrors.ssoAttemptInvalid,
      ssoErrors.ssoAnswerInvalid,
      ssoErrors.ssoDenied,
      ...Object.values(tenancyErrors),
    ],
  ),
}

const TOKEN = {
  ...DESCRIBED,
  operationId: 'finishSso',
  summary: 'End a sign-in: the client’s own attempt and the browser’s code make a session',
  body: EndBody,
  response: responses({ 200: AuthResponse }, [
    ssoErrors.ssoAttemptInvalid,
    ssoErrors.ssoEmailUnverified,
    ssoErrors.ssoDomainUnverified,
    ssoErrors.ssoAccountExists,
    ssoErrors.ssoAccountInactive,
    ssoErrors.ssoIdentityTaken,
    policyErrors.emailDomainNotAllowed,
    ...Object.values(tenancyErrors),
  ]),
}
