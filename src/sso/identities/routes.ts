import { Type } from 'typebox'
import {
  limitedEverywhere,
  secondFactorErrors,
  stepUpGuard,
  type TenantPrincipal,
  type Throttle,
} from '../../auth/index.ts'
import { type HttpServer, type PermissionGuard, responses } from '../../http/index.ts'
import type { Permission } from '../../users/index.ts'
import { ssoErrors } from '../errors.ts'
import { finishLink } from '../sign-in/finish.ts'
import type { SignInOptions } from '../sign-in/options.ts'
import { presentBegun, SSO_RATE, START_ERRORS } from '../sign-in/routes.ts'
import { EndBody, LinkBody, Started } from '../sign-in/schemas.ts'
import { begin } from '../sign-in/start.ts'

export interface LinkRoutesOptions {
  readonly signIn: SignInOptions
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

const PATH = '/api/v1/auth/sso/link'
const DESCRIBED = { tags: ['sso'] }

/** How somebody who has an account gets in through the identity provider too. */
export function linkRoutes(server: HttpServer, { signIn, tenantGuard, throttle }: LinkRoutesOptions): void {
  const guard = tenantGuard.requires('account.own' satisfies Permission)
  // Whoever may do this has a way in of their own from then on.
  const onRequest = [guard.onRequest, stepUpGuard(guard).onRequest]

  server.post(
    PATH,
    { ...limitedEverywhere(throttle, SSO_RATE), onRequest, schema: START },
    async (request, reply) => {
      const { tenant, user } = guard.admitted(request)
      const { return_url: returnUrl } = request.body
      const begun = await begin(signIn, tenant, { email: user.email, returnUrl, isAnew: true }, user.id)
      reply.code(201)
      return presentBegun(begun)
    },
  )
  server.post(
    `${PATH}/complete`,
    { ...limitedEverywhere(throttle, SSO_RATE), onRequest, schema: END },
    async (request, reply) => {
      await finishLink(guard.admitted(request), request.body)
      return await reply.code(204).send(null)
    },
  )
}

const START = {
  ...DESCRIBED,
  operationId: 'startSsoLink',
  summary: 'Begin to link my account to an identity at the organization’s identity provider',
  body: LinkBody,
  response: responses({ 201: Started }, [...START_ERRORS, secondFactorErrors.stepUpRequired]),
}

const END = {
  ...DESCRIBED,
  operationId: 'finishSsoLink',
  summary: 'Link my account: from now on it can be signed in to through the identity provider',
  body: EndBody,
  response: responses({ 204: Type.Null({ description: 'Done.' }) }, [
    ssoErrors.ssoAttemptInvalid,
    ssoErrors.ssoIdentityTaken,
  ]),
}
