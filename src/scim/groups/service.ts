import { recordAudit } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Directory } from '../../members/index.ts'
import { type Id, isId, newId } from '../../platform/index.ts'
import type { TenantDb, TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { byKey, scimAudit } from '../audit.ts'
import { scimErrors } from '../errors.ts'
import type { ScimEvents } from '../events.ts'
import { SCIM_LIMITS } from '../limits.ts'
import type { GroupPatch, MemberStep } from './patch.ts'
import { type DirectoryGroup, type GroupNames, readGroupNames } from './resource.ts'
import {
  addMembers,
  deleteGroup,
  findGroup,
  holdUsers,
  insertGroup,
  keepMembers,
  lockGroup,
  removeMembers,
  type StoredGroup,
  updateGroup,
} from './store.ts'

/** Whether a group is still the one that a client means; throws where it is not. */
export type ExpectGroup = (current: StoredGroup) => void

/** Groups as a directory keeps them. All throw httpErrors.notFound for an unknown one. */
export interface DirectoryGroups {
  find(tenant: TenantDb, id: string): Promise<StoredGroup>
  /** @throws scimErrors */
  create(directory: Directory, group: DirectoryGroup): Promise<StoredGroup>
  /** @throws scimErrors, what `expect` throws */
  change(directory: Directory, id: string, patch: GroupPatch, expect: ExpectGroup): Promise<StoredGroup>
  remove(directory: Directory, id: string, expect: ExpectGroup): Promise<void>
}

/** What a PUT means: these names and no others, these members and no others. */
export function replacing({ displayName, externalId, memberIds }: DirectoryGroup): GroupPatch {
  return { names: { displayName, externalId }, steps: [{ op: 'set', ids: memberIds }] }
}

export function createDirectoryGroups({ events }: { events: Publisher<ScimEvents> }): DirectoryGroups {
  return {
    find: async (tenant, id) => await need(tenant, requireId(id)),
    create: async ({ tenant, keyId, user }, { memberIds, ...names }) => {
      const id = newId()
      await tenant.transaction(async (tx) => {
        await insertGroup(tx, id, names)
        const { added } = await takeStep(tx, id, { op: 'add', ids: memberIds })
        const entry = { ...byKey(keyId, 'group', id), details: { members: added } }
        await recordAudit(tx, scimAudit('group.created', entry))
      })
      events.publish('group.created', { groupId: id, by: user.id }, tenant.tenantId)
      return await need(tenant, id)
    },
    change: async ({ tenant, keyId, user }, id, patch, expect) => {
      const groupId = requireId(id)
      const isChanged = await tenant.transaction((tx) => changeGroup(tx, groupId, keyId, patch, expect))
      if (isChanged) events.publish('group.changed', { groupId, by: user.id }, tenant.tenantId)
      return await need(tenant, groupId)
    },
    remove: async ({ tenant, keyId, user }, id, expect) => {
      const groupId = requireId(id)
      await tenant.transaction(async (tx) => {
        expect(await needLocked(tx, groupId))
        await deleteGroup(tx, groupId)
        await recordAudit(tx, scimAudit('group.deleted', byKey(keyId, 'group', groupId)))
      })
      events.publish('group.deleted', { groupId, by: user.id }, tenant.tenantId)
    },
  }
}

/** Says whether anything came of it. */
async function changeGroup(
  tx: TenantTx,
  id: Id,
  keyId: Id,
  { names, steps }: GroupPatch,
  expect: ExpectGroup,
): Promise<boolean> {
  const current = await needLocked(tx, id)
  expect(current)
  const next = readGroupNames({ ...namesOf(current), ...names })
  let [added, removed] = [0, 0]
  for (const step of steps) {
    const done = await takeStep(tx, id, step)
    added += done.added
    removed += done.removed
  }
  const fields = (['displayName', 'externalId'] as const).filter((name) => next[name] !== current.group[name])
  if (fields.length === 0 && added === 0 && removed === 0) return false
  await updateGroup(tx, id, next)
  const details = { fields, members_added: added, members_removed: removed }
  await recordAudit(tx, scimAudit('group.changed', { ...byKey(keyId, 'group', id), details }))
  return true
}

/** @throws scimErrors.invalidValue for who is no user here, tooMany when the group would get too large */
async function takeStep(tx: TenantTx, groupId: Id, { op, ids }: MemberStep) {
  if (op === 'remove') return { added: 0, removed: await removeMembers(tx, groupId, ids) }
  const removed = op === 'set' ? await keepMembers(tx, groupId, ids) : 0
  if ((await holdUsers(tx, ids)) < ids.length)
    throw scimErrors.invalidValue({ detail: 'A member is no user of this organization.' })
  const added = await addMembers(tx, groupId, ids)
  if (added > 0 && ((await findGroup(tx, groupId))?.memberCount ?? 0) > SCIM_LIMITS.groupMembers)
    throw scimErrors.tooMany({ detail: `A group has at most ${SCIM_LIMITS.groupMembers} members.` })
  return { added, removed }
}

function namesOf({ group }: StoredGroup): Pick<GroupNames, 'displayName' | 'externalId'> {
  return { displayName: group.displayName, externalId: group.externalId }
}

async function needLocked(tx: TenantTx, id: Id): Promise<StoredGroup> {
  const found = await lockGroup(tx, id)
  if (!found) throw notFound()
  return found
}

async function need(tenant: TenantExecutor, id: Id): Promise<StoredGroup> {
  const found = await findGroup(tenant, id)
  if (!found) throw notFound()
  return found
}

function requireId(id: string): Id {
  if (!isId(id)) throw notFound()
  return id
}

function notFound() {
  return httpErrors.notFound({ detail: 'This organization has no such group.' })
}
