import { randomBytes } from 'node:crypto'
import type { Connection } from '../../platform/index.ts'
import { templatePrefix } from '../provisioning/template.ts'
import type { TenantServer } from '../servers/tenant-server.ts'
import { beginBuilding, dropDatabase, endBuilding, openDatabase, templateMark } from './store.ts'

/**
 * Runs `work` in a database of its own and drops that, whatever happens. One that a crash leaves has the name and the mark
 * of a template that was not finished, which the doctor takes away.
 *
 * @param create makes it, closed
 */
export async function inTemporaryDatabase<T>(
  server: TenantServer,
  installationId: string,
  create: (administration: Connection, name: string) => Promise<void>,
  work: (database: Connection) => Promise<T>,
): Promise<T> {
  const name = `${templatePrefix(installationId)}${randomBytes(6).toString('hex')}_${randomBytes(4).toString('hex')}`
  return await server.copy(async (administration) => {
    await beginBuilding(administration, name)
    try {
      await create(administration, name)
      const mark = templateMark(installationId)
      await openDatabase(administration, name, { role: undefined, mark, isFlushedLater: true })
      return await server.maintain(name, work)
    } finally {
      await dropDatabase(administration, name)
      await endBuilding(administration, name)
    }
  })
}
