import { entityTagOf } from '../../http/index.ts'
import type { Id } from '../../platform/index.ts'
import { type Attributes, readAttributes } from '../resources/read.ts'
import { USER_BODY } from '../resources/user-schema.ts'
import { SCIM_PREFIX, URN } from '../urns.ts'
import type { StoredUser } from './store.ts'

/** A user as a directory sees it, without what the server adds: what a PATCH begins with. */
export function attributesOf({ user, hasOwnCredential, scim }: StoredUser): Attributes {
  const { emails, ...kept } = scim?.attributes ?? {}
  const account = [{ value: user.email, type: 'work', primary: true }]
  const isNamed = kept['name'] !== undefined || kept['displayName'] !== undefined
  return readAttributes(USER_BODY, {
    ...(!isNamed && user.fullName && { name: { formatted: user.fullName }, displayName: user.fullName }),
    ...kept,
    userName: scim?.userName ?? user.email,
    externalId: scim?.externalId,
    active: user.isActive,
    emails: hasOwnCredential ? account : (emails ?? account),
  })
}

/** The address of a resource, relative to the server: it is the client who knows by which name it reaches that. */
export function locationOf(tenantId: Id, type: 'Users' | 'Groups', id: Id): string {
  return `${SCIM_PREFIX}${tenantId}/${type}/${id}`
}

/** A user as SCIM answers it, with the entity tag of what is answered. */
export function presentUser(stored: StoredUser, tenantId: Id): Attributes {
  const { user, scim } = stored
  const attributes = attributesOf(stored)
  const lastModified = scim && scim.updatedAt > user.updatedAt ? scim.updatedAt : user.updatedAt
  const schemas = [URN.user, ...(URN.enterpriseUser in attributes ? [URN.enterpriseUser] : [])]
  const meta = {
    resourceType: 'User',
    created: user.createdAt.toISOString(),
    lastModified: lastModified.toISOString(),
    location: locationOf(tenantId, 'Users', user.id),
  }
  const resource = { schemas, id: user.id, ...attributes, meta }
  return { ...resource, meta: { ...meta, version: entityTagOf(resource) } }
}
