const SCHEMAS = 'urn:ietf:params:scim:schemas:'
const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0:'

/** The names that SCIM gives to its resources and messages (RFC 7643, section 10; RFC 7644, section 8.2). */
export const URN = {
  user: `${SCHEMAS}core:2.0:User`,
  group: `${SCHEMAS}core:2.0:Group`,
  enterpriseUser: `${SCHEMAS}extension:enterprise:2.0:User`,
  serviceProviderConfig: `${SCHEMAS}core:2.0:ServiceProviderConfig`,
  resourceType: `${SCHEMAS}core:2.0:ResourceType`,
  schema: `${SCHEMAS}core:2.0:Schema`,
  list: `${MESSAGES}ListResponse`,
  patch: `${MESSAGES}PatchOp`,
  error: `${MESSAGES}Error`,
} as const

export const SCIM_MEDIA_TYPE = 'application/scim+json'

/** Where every path of SCIM begins. What follows is the tenant's id, because identity providers send no header of ours. */
export const SCIM_PREFIX = '/scim/v2/'
