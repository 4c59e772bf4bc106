import type { SQL } from 'drizzle-orm'
import type { TenantDb } from '../../tenancy/index.ts'
import { SCIM_LIMITS } from '../limits.ts'
import type { Page } from '../query.ts'
import { isWanted, type Projection, project } from '../resources/projection.ts'
import type { Attributes } from '../resources/read.ts'
import { presentGroup } from './present.ts'
import { listGroupMembers, listGroups, type StoredGroup } from './store.ts'

/** Groups as SCIM answers them. Members are read where they are wanted only. */
export async function showGroups(
  tenant: TenantDb,
  groups: readonly StoredGroup[],
  projection: Projection,
): Promise<Attributes[]> {
  const { tenantId } = tenant
  if (!isWanted(projection, 'members'))
    return groups.map((group) => project(presentGroup(group, undefined, tenantId), projection))
  const ids = groups.map(({ group }) => group.id)
  const members = Map.groupBy(await listGroupMembers(tenant, ids), ({ groupId }) => groupId)
  return groups.map((stored) =>
    project(presentGroup(stored, members.get(stored.group.id) ?? [], tenantId), projection),
  )
}

/** One page. It ends before the groups have more members than one answer should, but has one group at least. */
export async function showPage(
  tenant: TenantDb,
  wanted: SQL | undefined,
  page: Page,
  projection: Projection,
): Promise<Attributes[]> {
  const found = await listGroups(tenant, wanted, page)
  return await showGroups(tenant, isWanted(projection, 'members') ? bounded(found) : found, projection)
}

function bounded(groups: readonly StoredGroup[]): readonly StoredGroup[] {
  let members = 0
  const end = groups.findIndex(({ memberCount }, index) => {
    members += memberCount
    return index > 0 && members > SCIM_LIMITS.pageMembers
  })
  return end < 0 ? groups : groups.slice(0, end)
}
