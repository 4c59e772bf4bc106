import { type Static, Type } from 'typebox'
import { Exactly, type Guard, type HttpServer, RATE, type RatePolicy, responses } from '../../http/index.ts'
import { type Tenancy, tenancyErrors } from '../../tenancy/index.ts'
import { userErrors } from '../../users/index.ts'
import type { EmailService } from '../emails/service.ts'
import { authErrors } from '../errors.ts'
import type { AccountPrincipal } from '../guards.ts'
import type { PasswordService } from '../passwords/service.ts'
import { createTenantOf } from '../realm.ts'
import { limitedEverywhere, realmHeaders } from '../routes.ts'
import { Email, NewPassword } from '../schemas.ts'
import { stepUpGuard } from '../second-factor/step-up.ts'
import type { Throttle } from '../throttle/throttle.ts'

export interface AccountRoutesOptions {
  readonly passwords: PasswordService
  readonly emails: EmailService
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly accountGuard: Guard<AccountPrincipal>
  readonly throttle: Throttle
}

/** Links cannot be guessed: this keeps a flood away from the databases. */
const LINK_RATE: RatePolicy = { name: 'link', limit: 30, windowSeconds: 60 }

const Token = Type.String({ minLength: 1, maxLength: 4096, description: 'From the link in the mail.' })
const CurrentPassword = Type.String({ minLength: 1, maxLength: 1024 })
const Done = Type.Null({ description: 'Done.' })
/** The same for everybody. */
const Accepted = Exactly(
  { status: Type.Literal('accepted') },
  { description: 'Taken. Whether a mail is sent is not told.' },
)
const ACCEPTED: Static<typeof Accepted> = { status: 'accepted' }

const REALM_ERRORS = [authErrors.tenantHeaderInvalid, ...Object.values(tenancyErrors)]
const TAGS = ['auth']

/** What people do with their passwords and e-mail addresses, on the platform or in the organization that is named. */
export function accountRoutes(server: HttpServer, options: AccountRoutesOptions): void {
  mailedLinks(server, options)
  mailedVerifications(server, options)
  ownPassword(server, options)
  ownEmail(server, options)
}

function mailedLinks(server: HttpServer, options: AccountRoutesOptions): void {
  const { passwords, tenancy, tenantHeader, throttle } = options
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  const open = { tags: TAGS, security: [], headers: realmHeaders(tenantHeader) }
  server.post(
    '/api/v1/auth/password/forgot',
    {
      ...limitedEverywhere(throttle, RATE.mail),
      schema: {
        ...open,
        operationId: 'forgotPassword',
        summary: 'Mail a link to choose a new password; the same answer for an unknown address',
        body: Exactly({ email: Email }),
        response: responses({ 202: Accepted }, [...REALM_ERRORS, authErrors.mailOff]),
      },
    },
    async (request, reply) => {
      passwords.forgot(request.body.email, await tenantOf(request))
      reply.code(202)
      return ACCEPTED
    },
  )
  server.post(
    '/api/v1/auth/password/reset',
    {
      ...limitedEverywhere(throttle, LINK_RATE),
      schema: {
        ...open,
        operationId: 'resetPassword',
        summary: 'Choose a new password with a mailed link; every session ends',
        body: Exactly({ token: Token, password: NewPassword }),
        response: responses({ 204: Done }, [...REALM_ERRORS, authErrors.invalidLink]),
      },
    },
    async (request, reply) => {
      await passwords.reset(request.body, await tenantOf(request))
      reply.code(204)
      return null
    },
  )
}

function mailedVerifications(
  server: HttpServer,
  { emails, tenancy, tenantHeader, throttle }: AccountRoutesOptions,
): void {
  const tenantOf = createTenantOf(tenancy, tenantHeader)
  const open = { tags: TAGS, security: [], headers: realmHeaders(tenantHeader) }
  const body = Exactly({ token: Token })
  server.post(
    '/api/v1/auth/email/verify',
    {
      ...limitedEverywhere(throttle, LINK_RATE),
      schema: {
        ...open,
        operationId: 'verifyEmail',
        summary: 'Confirm an e-mail address with a mailed link',
        body,
        response: responses({ 204: Done }, [...REALM_ERRORS, authErrors.invalidLink]),
      },
    },
    async (request, reply) => {
      await emails.verify(request.body.token, await tenantOf(request))
      reply.code(204)
      return null
    },
  )
  server.post(
    '/api/v1/auth/email/change/confirm',
    {
      ...limitedEverywhere(throttle, LINK_RATE),
      schema: {
        ...open,
        operationId: 'confirmEmailChange',
        summary: 'Take a new e-mail address with the link that was mailed to it',
        body,
        response: responses({ 204: Done }, [...REALM_ERRORS, authErrors.invalidLink, userErrors.emailTaken]),
      },
    },
    async (request, reply) => {
      await emails.confirmChange(request.body.token, await tenantOf(request))
      reply.code(204)
      return null
    },
  )
}

function ownPassword(server: HttpServer, { passwords, accountGuard, throttle }: AccountRoutesOptions): void {
  server.put(
    '/api/v1/auth/password',
    {
      ...limitedEverywhere(throttle, RATE.login),
      onRequest: accountGuard.onRequest,
      schema: {
        operationId: 'changePassword',
        summary: 'Change my password; every other session ends',
        tags: TAGS,
        body: Exactly({ current_password: CurrentPassword, new_password: NewPassword }),
        response: responses({ 204: Done }, [authErrors.invalidCredentials, authErrors.linkedAccount]),
      },
    },
    async (request, reply) => {
      const { current_password: current, new_password: next } = request.body
      await passwords.change(accountGuard.admitted(request), { current, next })
      reply.code(204)
      return null
    },
  )
}

function ownEmail(server: HttpServer, options: AccountRoutesOptions): void {
  const { emails, accountGuard, throttle } = options
  const { onRequest } = accountGuard
  server.post(
    '/api/v1/auth/email/verification',
    {
      ...limitedEverywhere(throttle, RATE.mail),
      onRequest,
      schema: {
        operationId: 'requestEmailVerification',
        summary: 'Mail another link to confirm my e-mail address',
        tags: TAGS,
        response: responses({ 202: Accepted }, [authErrors.mailOff]),
      },
    },
    async (request, reply) => {
      emails.requestVerification(accountGuard.admitted(request))
      reply.code(202)
      return ACCEPTED
    },
  )
  server.post(
    '/api/v1/auth/email/change',
    {
      ...limitedEverywhere(throttle, RATE.mail),
      onRequest: [onRequest, stepUpGuard(accountGuard).onRequest],
      schema: {
        operationId: 'requestEmailChange',
        summary: 'Mail a link to my new e-mail address; the same answer where it is taken',
        tags: TAGS,
        body: Exactly({ email: Email, current_password: CurrentPassword }),
        response: responses({ 202: Accepted }, [authErrors.invalidCredentials, authErrors.mailOff]),
      },
    },
    async (request, reply) => {
      const { email, current_password: password } = request.body
      await emails.requestChange(accountGuard.admitted(request), { email, password })
      reply.code(202)
      return ACCEPTED
    },
  )
}
