import type { Id } from '../../platform/index.ts'
import type { Attributes } from '../resources/read.ts'
import { URN } from '../urns.ts'
import { locationOf } from '../users/present.ts'
import type { StoredGroup, StoredMember } from './store.ts'

/**
 * The entity tag of a group, without its members being read: each change by the directory counts its version up, and a
 * member who leaves the organization brings the number of members down.
 */
export function groupTag({ group, memberCount }: StoredGroup): string {
  return `"${group.version}-${memberCount}"`
}

/** A group as SCIM answers it; without members where they are not wanted. */
export function presentGroup(
  stored: StoredGroup,
  members: readonly StoredMember[] | undefined,
  tenantId: Id,
): Attributes {
  const { id, displayName, externalId, createdAt, updatedAt } = stored.group
  return {
    schemas: [URN.group],
    id,
    displayName,
    ...(externalId !== null && { externalId }),
    ...(members && { members: members.map((member) => presentMember(member, tenantId)) }),
    meta: {
      resourceType: 'Group',
      created: createdAt.toISOString(),
      lastModified: updatedAt.toISOString(),
      location: locationOf(tenantId, 'Groups', id),
      version: groupTag(stored),
    },
  }
}

function presentMember({ userId, display }: StoredMember, tenantId: Id) {
  return { value: userId, $ref: locationOf(tenantId, 'Users', userId), type: 'User', display }
}
