import { type Id, isId } from '../../platform/index.ts'
import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { GROUP_BODY } from '../resources/group-schema.ts'
import { isObject, readAttributes, requireObject, requireShort } from '../resources/read.ts'

export interface GroupNames {
  readonly displayName: string
  readonly displayNameKey: string
  readonly externalId: string | null
}

/** A group as a directory describes it. */
export interface DirectoryGroup extends GroupNames {
  readonly memberIds: readonly Id[]
}

/** Reads the body of a group. Throws scimErrors. */
export function readGroup(body: unknown): DirectoryGroup {
  const given = requireObject(body)
  const members = Object.entries(given).filter(([name]) => name.toLowerCase() === 'members')
  return {
    ...readGroupNames(given),
    memberIds: members.flatMap(([, value]) => readMemberIds(value)),
  }
}

/** @throws scimErrors.invalidValue without a displayName */
export function readGroupNames(given: Readonly<Record<string, unknown>>): GroupNames {
  const { displayName, externalId } = readAttributes(GROUP_BODY, given)
  if (typeof displayName !== 'string' || displayName.trim() === '')
    throw scimErrors.invalidValue({ detail: 'A group has a displayName.' })
  return {
    displayName,
    displayNameKey: requireShort('displayName', foldGroupName(displayName)),
    externalId: typeof externalId === 'string' ? requireShort('externalId', externalId) : null,
  }
}

/** The one form of a name that differs in case only, or in how it is encoded. */
export function foldGroupName(name: string): string {
  return name.trim().normalize('NFKC').toLowerCase()
}

/**
 * The ids of users in a list of members, each once.
 *
 * @throws scimErrors.tooMany, invalidValue
 */
export function readMemberIds(value: unknown): Id[] {
  if (value === null || value === undefined) return []
  const elements = Array.isArray(value) ? value : [value]
  if (elements.length > SCIM_LIMITS.requestMembers)
    throw scimErrors.tooMany({ detail: `A request names at most ${SCIM_LIMITS.requestMembers} members.` })
  return [...new Set(elements.map(readMemberId))]
}

function readMemberId(element: unknown): Id {
  const id = isObject(element) ? element['value'] : element
  const lower = typeof id === 'string' ? id.toLowerCase() : ''
  if (!isId(lower)) throw scimErrors.invalidValue({ detail: 'A member has the id of a user as its value.' })
  return lower
}
