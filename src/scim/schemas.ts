import { Type } from 'typebox'
import { Exactly, Id } from '../http/index.ts'
import { SCIM_LIMITS } from './limits.ts'
import type { Attributes } from './resources/read.ts'
import { SCIM_MEDIA_TYPE } from './urns.ts'

/** Whatever `/Schemas` says: SCIM has a description of its own, which says more than JSON Schema can. */
function scimObject($id: string, description: string) {
  return Type.Unsafe<Attributes>({ $id, title: $id, type: 'object', additionalProperties: true, description })
}

export const ScimResource = scimObject('ScimResource', 'A resource as `/Schemas` describes it.')
export const ScimList = scimObject('ScimList', 'A ListResponse: `totalResults`, and one page in `Resources`.')

const body = (description: string) =>
  Type.Unsafe<Attributes>({ type: 'object', additionalProperties: true, description })
export const ScimBody = body('A resource as `/Schemas` describes it.')
export const PatchBody = body('A PatchOp message with its `Operations`.')
export const BulkBody = body('A BulkRequest.')

/** Of routes that anyone may call. */
export const PublicParams = Exactly({ tenant_id: Id })
export const PublicResourceParams = Exactly({ tenant_id: Id, id: Type.String() })

/** Behind a guard, which has looked at the tenant; an id that is none belongs to nothing. */
export const TenantParams = Exactly({ tenant_id: Type.String() })
export const ResourceParams = Exactly({ tenant_id: Type.String(), id: Type.String() })

/** What all routes of SCIM have in common. */
export const SCIM_ROUTE = {
  bodyLimit: SCIM_LIMITS.bodyBytes,
  config: { produces: [SCIM_MEDIA_TYPE, 'application/json'] },
} as const

export const SCIM_DESCRIBED = { tags: ['scim'], produces: [SCIM_MEDIA_TYPE] }

export const Done = { 204: Type.Null({ description: 'Done.' }) }
