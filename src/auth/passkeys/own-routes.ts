import { Type } from 'typebox'
import { Exactly, type Guard, type HttpServer, httpErrors, Id, responses } from '../../http/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { AccountPrincipal } from '../guards.ts'
import { limitedEverywhere, PROOF_RATE } from '../routes.ts'
import { callerOf, ownOwner } from '../second-factor/caller.ts'
import { secondFactorErrors } from '../second-factor/errors.ts'
import { type StepUp, stepUpGuard } from '../second-factor/step-up.ts'
import { originOf } from '../sessions/origin.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { passkeyErrors } from './errors.ts'
import type { Passkeys } from './registration.ts'
import {
  CreationOptionsBody,
  MadePasskeyBody,
  NewPasskeyBody,
  PasskeyNameBody,
  presentPasskey,
  readCreation,
} from './schemas.ts'

export interface OwnPasskeyRoutesOptions {
  readonly core: CoreDb
  readonly passkeys: Passkeys
  readonly stepUp: StepUp
  readonly accountGuard: Guard<AccountPrincipal>
  /** Admits those too who must set a factor up before anything else. */
  readonly enrolmentGuard: Guard<AccountPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

const PATH = '/api/v1/auth/mfa/passkeys'
const TAGS = ['auth']
const NOTHING = { 204: Type.Null({ description: 'Done.' }) }
const ADDING_ERRORS = [
  secondFactorErrors.secondFactorElsewhere,
  passkeyErrors.tooManyPasskeys,
  passkeyErrors.passkeysOff,
]

/** Making, naming and removing one's own passkeys; they are listed with the other factors. */
export function ownPasskeyRoutes(server: HttpServer, options: OwnPasskeyRoutesOptions): void {
  makingRoutes(server, options)
  managingRoutes(server, options)
}

/** The session must be fresh: whoever stole one would let himself in for ever. */
function makingRoutes(server: HttpServer, options: OwnPasskeyRoutesOptions): void {
  const { core, passkeys, stepUp, enrolmentGuard, throttle } = options
  server.post(
    `${PATH}/options`,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
      onRequest: [enrolmentGuard.onRequest, stepUpGuard(enrolmentGuard).onRequest],
      schema: {
        operationId: 'beginPasskey',
        summary: 'Get what an authenticator is to make a passkey of',
        tags: TAGS,
        response: responses({ 200: CreationOptionsBody }, ADDING_ERRORS),
      },
    },
    async (request) => {
      const principal = enrolmentGuard.admitted(request)
      return await passkeys.begin(ownOwner(principal, core), principal.sessionId, principal.user)
    },
  )
  server.post(
    PATH,
    {
      ...limitedEverywhere(throttle, PROOF_RATE),
      onRequest: enrolmentGuard.onRequest,
      schema: {
        operationId: 'addPasskey',
        summary: 'Add the passkey that was made; the first factor brings recovery codes',
        tags: TAGS,
        body: NewPasskeyBody,
        response: responses({ 201: MadePasskeyBody }, [
          ...ADDING_ERRORS,
          passkeyErrors.passkeyTaken,
          authErrors.invalidCredentials,
        ]),
      },
    },
    async (request, reply) => {
      const principal = enrolmentGuard.admitted(request)
      const owner = ownOwner(principal, core)
      const { response, name = originOf(request).device } = request.body
      const made = { creation: readCreation(response), name: name.normalize('NFC') }
      const { passkey, recoveryCodes, methods } = await passkeys.finish(owner, principal.sessionId, made)
      await stepUp.note(callerOf(principal, core).session, methods)
      reply.code(201)
      return {
        ...presentPasskey(passkey),
        ...(recoveryCodes.length > 0 && { recovery_codes: [...recoveryCodes] }),
      }
    },
  )
}

function managingRoutes(server: HttpServer, options: OwnPasskeyRoutesOptions): void {
  const { core, passkeys, accountGuard } = options
  const errors = [httpErrors.notFound, secondFactorErrors.secondFactorElsewhere]
  server.patch(
    `${PATH}/:id`,
    {
      onRequest: accountGuard.onRequest,
      schema: {
        operationId: 'renamePasskey',
        summary: 'Give my passkey another name',
        tags: TAGS,
        params: Exactly({ id: Id }),
        body: PasskeyNameBody,
        response: responses(NOTHING, errors),
      },
    },
    async (request, reply) => {
      const owner = ownOwner(accountGuard.admitted(request), core)
      await passkeys.rename(owner, request.params.id, request.body.name.normalize('NFC'))
      return await reply.code(204).send(null)
    },
  )
  server.delete(
    `${PATH}/:id`,
    {
      onRequest: [accountGuard.onRequest, stepUpGuard(accountGuard).onRequest],
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove my passkey; with the last factor go the recovery codes',
        tags: TAGS,
        params: Exactly({ id: Id }),
        response: responses(NOTHING, errors),
      },
    },
    async (request, reply) => {
      await passkeys.remove(ownOwner(accountGuard.admitted(request), core), request.params.id)
      return await reply.code(204).send(null)
    },
  )
}
