import { SCIM_LIMITS } from '../limits.ts'
import type { Attribute } from '../resources/attribute.ts'
import { GROUP_ATTRIBUTES } from '../resources/group-schema.ts'
import type { Attributes } from '../resources/read.ts'
import { ENTERPRISE_ATTRIBUTES, USER_ATTRIBUTES } from '../resources/user-schema.ts'
import { SCIM_PREFIX, URN } from '../urns.ts'

/** Something that the server says of itself, wherever it is asked. */
export interface StaticDocument {
  readonly id: string
  readonly body: Attributes
}

function document(kind: 'ResourceType' | 'Schema', id: string, body: Attributes): StaticDocument {
  const urn = kind === 'Schema' ? URN.schema : URN.resourceType
  return { id, body: { schemas: [urn], id, ...body, meta: { resourceType: kind } } }
}

function schema(id: string, name: string, description: string, attributes: readonly Attribute[]) {
  return document('Schema', id, { name, description, attributes })
}

/** RFC 7643, section 7. */
export const SCHEMAS: readonly StaticDocument[] = [
  schema(URN.user, 'User', 'A user of the organization.', USER_ATTRIBUTES),
  schema(URN.enterpriseUser, 'EnterpriseUser', 'What companies say of their people.', ENTERPRISE_ATTRIBUTES),
  schema(URN.group, 'Group', 'A group of users. It gives no rights.', GROUP_ATTRIBUTES),
]

/** RFC 7643, section 6. */
export const RESOURCE_TYPES: readonly StaticDocument[] = [
  document('ResourceType', 'User', {
    name: 'User',
    endpoint: '/Users',
    description: 'Users of the organization, whoever made them.',
    schema: URN.user,
    schemaExtensions: [{ schema: URN.enterpriseUser, required: false }],
  }),
  document('ResourceType', 'Group', {
    name: 'Group',
    endpoint: '/Groups',
    description: 'Groups of the directory.',
    schema: URN.group,
  }),
]

/** RFC 7643, section 5. */
const SERVICE_PROVIDER_CONFIG: Attributes = {
  schemas: [URN.serviceProviderConfig],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: SCIM_LIMITS.pageSize },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'API key',
      description: 'An API key of the organization with the scope directory.provision, as a bearer token.',
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig' },
}

/** @param tenantId where it was asked for */
export function serviceProviderConfig(tenantId: string): Attributes {
  return located(SERVICE_PROVIDER_CONFIG, tenantId, 'ServiceProviderConfig')
}

/** A document with its address. */
export function locate({ id, body }: StaticDocument, tenantId: string, path: string): Attributes {
  return located(body, tenantId, `${path}/${id}`)
}

function located(body: Attributes, tenantId: string, path: string): Attributes {
  return { ...body, meta: { ...Object(body['meta']), location: `${SCIM_PREFIX}${tenantId}/${path}` } }
}
