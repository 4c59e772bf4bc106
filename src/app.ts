import { auditRoutes } from './audit/index.ts'
import {
  describeSecurity,
  identityErrors,
  identityRoutes,
  requireStepUp,
  requireStillPermitted,
  secondFactorErrors,
} from './auth/index.ts'
import type { Platform } from './compose.ts'
import { fleetRoutes } from './fleet/index.ts'
import { type ApiDescription, createHttpServer, type HttpServer } from './http/index.ts'
import { peopleErrors, peopleRoutes } from './members/index.ts'
import { organizationErrors, organizationRoutes, policyErrors, policyRoutes } from './organizations/index.ts'
import { ping, VERSION } from './platform/index.ts'
import { scimErrorFormat, scimErrors, scimRoutes } from './scim/index.ts'
import { ssoErrors, ssoRoutes } from './sso/index.ts'
import { tenancyErrors, tenancyGauges } from './tenancy/index.ts'
import { userErrors, userRoutes } from './users/index.ts'

/** The HTTP application: every route that there is. Add a feature's routes here. */
export async function createApp(platform: Platform): Promise<HttpServer> {
  const { config, clock, log, core, tenancy, users, organizations } = platform
  const { coreGuard, tenantGuard, adminGuard } = platform

  const server = await createHttpServer({
    log,
    version: VERSION,
    api: describeApi(config.tenantHeader),
    docs: config.docs,
    errors: [
      ...identityErrors,
      tenancyErrors,
      organizationErrors,
      policyErrors,
      ...peopleErrors,
      ssoErrors,
      userErrors,
      scimErrors,
    ],
    errorFormats: [scimErrorFormat],
    rateLimits: { enabled: config.rateLimits, factor: config.rateLimitFactor },
    hsts: config.production,
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    readiness: [{ name: 'core database', check: () => ping(core) }],
    gauges: tenancyGauges(tenancy),
  })
  identityRoutes(server, platform)
  peopleRoutes(server, platform)
  scimRoutes(server, platform)
  const stepUp = { require: requireStepUp, refusal: secondFactorErrors.stepUpRequired }
  const requireStill = requireStillPermitted
  policyRoutes(server, { ...platform, stepUp, requireStill, requireSso: platform.sso.requireSso })
  ssoRoutes(server, platform)
  organizationRoutes(server, { organizations, coreGuard })
  userRoutes(server, { users, tenantGuard })
  auditRoutes(server, { ...platform, tenantAdminGuard: tenantGuard.requires('audit.read') })
  fleetRoutes(server, { core, clock, log, adminGuard })
  return server
}

function describeApi(tenantHeader: string): ApiDescription {
  return {
    title: 'Tenantry',
    description: 'A multi-tenant backend in which every organization owns a PostgreSQL database.',
    tags: [
      { name: 'auth', description: 'Sign-up and sign-in, to the platform or to one organization.' },
      { name: 'organizations', description: 'Organizations of a platform user.' },
      { name: 'users', description: 'Users of one organization.' },
      { name: 'members', description: 'Who belongs to one organization, as what, and who may join.' },
      { name: 'sso', description: 'Sign-in through the identity provider of an organization.' },
      { name: 'api-keys', description: 'Keys of one organization’s machines.' },
      { name: 'scim', description: 'SCIM 2.0: users and groups, kept by an organization’s directory.' },
      { name: 'audit', description: 'What happened in one organization, for those who run it.' },
      { name: 'admin', description: 'For people who operate the platform.' },
    ],
    securitySchemes: describeSecurity(tenantHeader),
  }
}
