import type { TenantPrincipal, Throttle } from '../auth/index.ts'
import type { Config } from '../config.ts'
import type { HttpServer, PermissionGuard } from '../http/index.ts'
import type { Tenancy } from '../tenancy/index.ts'
import { connectionRoutes } from './connection/routes.ts'
import { domainRoutes } from './domains/routes.ts'
import { linkRoutes } from './identities/routes.ts'
import { redirectUriOf } from './redirect-uri.ts'
import { signInRoutes } from './sign-in/routes.ts'
import type { Sso } from './sso.ts'

export interface SsoRoutesOptions {
  readonly config: Pick<Config, 'tenantHeader' | 'sso'>
  readonly tenancy: Tenancy
  readonly sso: Sso
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

/** Signing in through organizations' identity providers, and what organizations set up for it. */
export function ssoRoutes(server: HttpServer, options: SsoRoutesOptions): void {
  const { config, tenancy, sso, tenantGuard, throttle } = options
  signInRoutes(server, { signIn: sso.signIn, tenancy, tenantHeader: config.tenantHeader, throttle })
  linkRoutes(server, { signIn: sso.signIn, tenantGuard, throttle })
  connectionRoutes(server, {
    connections: sso.connections,
    tenantGuard,
    redirectUriOf: (tenantId) => redirectUriOf(config.sso, tenantId),
  })
  domainRoutes(server, { domains: sso.domains, tenantGuard, throttle })
}
