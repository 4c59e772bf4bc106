import { auditRoutes } from './audit/index.ts'
import {
  accountRoutes,
  authErrors,
  authRoutes,
  exchangeRoutes,
  keyRoutes,
  SECURITY_SCHEMES,
  sessionRoutes,
} from './auth/index.ts'
import type { Platform } from './compose.ts'
import { fleetRoutes } from './fleet/index.ts'
import { type ApiDescription, createHttpServer, type HeaderScheme, type HttpServer } from './http/index.ts'
import { devMailRoutes } from './mail/index.ts'
import {
  acceptanceRoutes,
  invitationErrors,
  invitationRoutes,
  memberErrors,
  memberRoutes,
} from './members/index.ts'
import { organizationErrors, organizationRoutes, policyErrors, policyRoutes } from './organizations/index.ts'
import { ping, VERSION } from './platform/index.ts'
import { tenancyErrors, tenancyGauges } from './tenancy/index.ts'
import { userErrors, userRoutes } from './users/index.ts'

/** The HTTP application: every route that there is. Add a feature's routes here. */
export async function createApp(platform: Platform): Promise<HttpServer> {
  const { config, clock, log, core, mailer, tenancy, keys, users, organizations, events } = platform
  const { auth, accounts, sessions, exchange, members, invitations, acceptance, cursors, throttle } = platform
  const { coreGuard, tenantGuard, adminGuard, accountGuard } = platform

  const server = await createHttpServer({
    log,
    version: VERSION,
    api: describeApi(config.tenantHeader),
    docs: config.docs,
    errors: [
      authErrors,
      tenancyErrors,
      organizationErrors,
      policyErrors,
      memberErrors,
      invitationErrors,
      userErrors,
    ],
    rateLimits: { enabled: config.rateLimits, factor: config.rateLimitFactor },
    hsts: config.production,
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    readiness: [{ name: 'core database', check: () => ping(core) }],
    gauges: tenancyGauges(tenancy),
  })
  keyRoutes(server, { keys: keys.ring })
  authRoutes(server, { auth, tenancy, throttle, tenantHeader: config.tenantHeader })
  sessionRoutes(server, { core, sessions, accountGuard: accountGuard.requires('sessions.own') })
  accountRoutes(server, {
    ...accounts,
    tenancy,
    throttle,
    tenantHeader: config.tenantHeader,
    accountGuard: accountGuard.requires('account.own'),
  })
  devMailRoutes(server, mailer)
  exchangeRoutes(server, { exchange, coreGuard })
  memberRoutes(server, { members, cursors, tenantGuard })
  invitationRoutes(server, { invitations, cursors, tenantGuard })
  acceptanceRoutes(server, { acceptance, tenancy, tenantHeader: config.tenantHeader, coreGuard })
  policyRoutes(server, { tenantGuard, events })
  organizationRoutes(server, { organizations, coreGuard })
  userRoutes(server, { users, tenantGuard })
  auditRoutes(server, { core, cursors, adminGuard, tenantAdminGuard: tenantGuard.requires('audit.read') })
  fleetRoutes(server, { core, clock, log, adminGuard })
  return server
}

function describeApi(tenantHeader: string): ApiDescription {
  const bearer = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const
  const tenantId: HeaderScheme = {
    type: 'apiKey',
    in: 'header',
    name: tenantHeader,
    description: 'The organization’s id, which goes with every tenant token.',
  }
  return {
    title: 'Tenantry',
    description: 'A multi-tenant backend in which every organization owns a PostgreSQL database.',
    tags: [
      { name: 'auth', description: 'Sign-up and sign-in, to the platform or to one organization.' },
      { name: 'organizations', description: 'Organizations of a platform user.' },
      { name: 'users', description: 'Users of one organization.' },
      { name: 'members', description: 'Who belongs to one organization, as what, and who may join.' },
      { name: 'audit', description: 'What happened in one organization, for those who run it.' },
      { name: 'admin', description: 'For people who operate the platform.' },
    ],
    securitySchemes: {
      [SECURITY_SCHEMES.core]: {
        ...bearer,
        description: 'A platform user’s access token: register or log in without the tenant header.',
      },
      [SECURITY_SCHEMES.tenant]: {
        ...bearer,
        description: 'The access token of an organization’s user: register or log in with the tenant header.',
      },
      [SECURITY_SCHEMES.tenantId]: tenantId,
    },
  }
}
