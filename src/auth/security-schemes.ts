import type { ApiDescription, HeaderScheme } from '../http/index.ts'

/** Names of the security schemes in the OpenAPI document. */
export const SECURITY_SCHEMES = {
  core: 'coreToken',
  tenant: 'tenantToken',
  apiKey: 'apiKey',
  tenantId: 'tenantId',
} as const

/** What goes with requests to show who asks, for the API description. */
export function describeSecurity(tenantHeader: string): ApiDescription['securitySchemes'] {
  const bearer = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const
  const tenantId: HeaderScheme = {
    type: 'apiKey',
    in: 'header',
    name: tenantHeader,
    description: 'The organization’s id, which goes with every tenant token and API key.',
  }
  return {
    [SECURITY_SCHEMES.core]: {
      ...bearer,
      description: 'A platform user’s access token: register or log in without the tenant header.',
    },
    [SECURITY_SCHEMES.tenant]: {
      ...bearer,
      description: 'The access token of an organization’s user: register or log in with the tenant header.',
    },
    [SECURITY_SCHEMES.apiKey]: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'tnk_…',
      description:
        'An API key of the organization, for machines: whoever runs it makes one at /api/v1/api-keys.',
    },
    [SECURITY_SCHEMES.tenantId]: tenantId,
  }
}
