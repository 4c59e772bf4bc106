import type { Connection, Id } from '../../platform/index.ts'
import {
  beginBuilding,
  databaseMark,
  databaseState,
  dropDatabase,
  readMark,
  templateMark,
} from '../databases/store.ts'
import { findTenant } from '../store.ts'
import { onServer, type ServerScope } from './scope.ts'
import { dropLoginRole, readRoles, revokeFromPublic } from './store.ts'

/**
 * Drops what is left of a database whose drop was interrupted, and which nobody can use any more.
 *
 * @throws Error unless it is half dropped now, its comment proves it ours, and no tenant uses it
 */
export async function dropRemains(scope: ServerScope, name: string, tenantId: Id): Promise<void> {
  const tenant = await findTenant(scope.core, tenantId)
  if (tenant?.serverId === scope.server.id) throw new Error(`it belongs to a tenant that is ${tenant.status}`)
  await onServer(scope, async (server) => {
    const state = await databaseState(server, name)
    if (state === undefined) return
    if (state !== 'broken') throw new Error(`${name} is not half dropped`)
    await prove(server, name, databaseMark(scope.ourId, tenantId))
    await dropDatabase(server, name)
  })
}

/**
 * Drops a template that nobody builds. A process that still wants it makes it again.
 *
 * @throws Error unless its comment proves it ours
 */
export async function dropTemplate(scope: ServerScope, name: string): Promise<void> {
  await onServer(scope, async (server) => {
    if (!(await beginBuilding(server, name))) throw new Error(`${name} is being built`)
    if ((await databaseState(server, name)) === undefined) return
    await prove(server, name, templateMark(scope.ourId))
    await dropDatabase(server, name)
  })
}

/** @throws Error unless its comment proves it ours */
export async function closeTemplateToPublic(scope: ServerScope, name: string): Promise<void> {
  await onServer(scope, async (server) => {
    await prove(server, name, templateMark(scope.ourId))
    await revokeFromPublic(server, name)
  })
}

/**
 * Drops a login role that is left over.
 *
 * @throws Error when it is none of ours, or a tenant or a database has its name
 */
export async function dropRole(scope: ServerScope, name: string, tenantId: Id): Promise<void> {
  if (await findTenant(scope.core, tenantId)) throw new Error(`${name} belongs to a tenant`)
  await onServer(scope, async (server) => {
    const role = (await readRoles(server, scope.group)).get(name)
    if (!role) return
    if (!role.groups.includes(scope.group)) throw new Error(`nothing proves that ${name} is ours`)
    if ((await databaseState(server, name)) !== undefined) throw new Error(`${name} has a database`)
    await dropLoginRole(server, name)
  })
}

async function prove(server: Connection, name: string, mark: string): Promise<void> {
  if ((await readMark(server, name)) !== mark)
    throw new Error(`nothing proves that ${name} is this installation’s`)
}
