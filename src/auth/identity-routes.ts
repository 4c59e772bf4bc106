import type { Config } from '../config.ts'
import type { Cursors, HttpServer } from '../http/index.ts'
import { devMailRoutes, type Mailer } from '../mail/index.ts'
import type { CoreDb, Tenancy } from '../tenancy/index.ts'
import { accountRoutes } from './accounts/routes.ts'
import { apiKeyErrors } from './api-keys/errors.ts'
import { apiKeyRoutes } from './api-keys/routes.ts'
import { authErrors } from './errors.ts'
import { exchangeRoutes } from './exchange/routes.ts'
import type { Identity } from './identity.ts'
import { keyRoutes } from './keys/routes.ts'
import { passkeyErrors } from './passkeys/errors.ts'
import { ownPasskeyRoutes } from './passkeys/own-routes.ts'
import { passkeyRoutes } from './passkeys/routes.ts'
import { authRoutes } from './routes.ts'
import { secondFactorErrors } from './second-factor/errors.ts'
import { secondFactorRoutes } from './second-factor/routes.ts'
import { sessionRoutes } from './sessions/routes.ts'

/** Every error of signing in, for the catalogue of problems. */
export const identityErrors = [authErrors, secondFactorErrors, passkeyErrors, apiKeyErrors]

export interface IdentityRoutesOptions extends Identity {
  readonly config: Pick<Config, 'tenantHeader'>
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly mailer: Mailer
  readonly cursors: Cursors
}

/** Signing in and out, and what belongs to an account. */
export function identityRoutes(server: HttpServer, identity: IdentityRoutesOptions): void {
  const { tenantHeader } = identity.config
  const options = { ...identity, tenantHeader }
  const own = {
    ...options,
    accountGuard: identity.accountGuard.requires('account.own'),
    enrolmentGuard: identity.enrolmentGuard.requires('account.own'),
  }
  keyRoutes(server, { keys: identity.keys.ring })
  authRoutes(server, options)
  sessionRoutes(server, {
    ...options,
    accountGuard: identity.accountGuard.requires('sessions.own'),
    enrolmentGuard: identity.enrolmentGuard.requires('sessions.own'),
  })
  secondFactorRoutes(server, own)
  passkeyRoutes(server, own)
  ownPasskeyRoutes(server, own)
  accountRoutes(server, { ...own, ...identity.accounts })
  devMailRoutes(server, identity.mailer)
  exchangeRoutes(server, options)
  apiKeyRoutes(server, options)
}
