import type { Config } from '../config.ts'
import type { ErrorFactory, Id } from '../platform/index.ts'
import type { TenantTx } from '../tenancy/index.ts'
import { type ConnectionService, createConnectionService } from './connection/service.ts'
import { findConnection } from './connection/store.ts'
import { type ResolveTxt, resolveTxtBySystem } from './domains/dns.ts'
import { createDomainService, type DomainService } from './domains/service.ts'
import { hasVerifiedDomain } from './domains/store.ts'
import { ssoErrors } from './errors.ts'
import { createOutgoingFetch } from './outgoing/fetch.ts'
import { createProviders } from './provider/providers.ts'
import type { SignInOptions } from './sign-in/options.ts'

/** Everything about signing in through organizations' identity providers. */
export interface Sso {
  readonly connections: ConnectionService
  readonly domains: DomainService
  readonly signIn: SignInOptions
  /** Refuses to make the provider the only way in where nobody could get in through it. Throws ssoErrors.ssoNotReady. */
  readonly requireSso: {
    readonly check: (tx: TenantTx, tenantId: Id) => Promise<void>
    readonly refusal: ErrorFactory
  }
}

/** What it takes of the world outside. */
export interface SsoSurroundings {
  /** Default: what the system's name servers say. */
  readonly resolveTxt?: ResolveTxt | undefined
}

export interface SsoOptions extends Omit<SignInOptions, 'providers' | 'key' | 'config'>, SsoSurroundings {
  readonly config: Pick<Config, 'sso'>
}

/** Wires the services of sign-in through identity providers. */
export function createSso(options: SsoOptions): { readonly sso: Sso } {
  const { core, box, resolveTxt = resolveTxtBySystem } = options
  const config = options.config.sso
  const { allowsPlain } = config
  const fetch = createOutgoingFetch(config)
  const signIn = {
    ...options,
    config,
    providers: createProviders(fetch, allowsPlain),
    key: box.deriveKey('sso attempt'),
  }
  const check = async (tx: TenantTx, tenantId: Id): Promise<void> => {
    const connection = await findConnection(tx)
    if (!connection?.isEnabled || !(await hasVerifiedDomain(core, tenantId))) throw ssoErrors.ssoNotReady()
  }
  const sso = {
    connections: createConnectionService({ box, fetch, allowsPlain }),
    domains: createDomainService({ core, resolveTxt }),
    signIn,
    requireSso: { check, refusal: ssoErrors.ssoNotReady },
  }
  return { sso }
}
