import type { Connection } from '../../platform/index.ts'
import { type Diagnosis, examine } from '../doctor/doctor.ts'
import type { DoctorOptions } from '../doctor/scope.ts'
import { type Comparison, compareLook } from '../drift/compare.ts'
import { lookInside } from '../drift/look.ts'
import { References } from '../drift/references.ts'
import { type AddedServer, addServer, type NewServer, type RecordServer } from '../servers/add-server.ts'
import { listServerReports, type ServerReport } from '../servers/server-reports.ts'
import type { TenantRecord } from '../types.ts'
import { inCloneOf, type RehearsalOptions } from './rehearsal.ts'

/** What operators do; requests need none of it. */
export interface Operations {
  /** Throws what `addServer` throws. */
  addServer(wish: NewServer, record: RecordServer): Promise<AddedServer>
  /** Every server, oldest first, with whether it answers. */
  listServers(): Promise<ServerReport[]>
  /** Looks for what is wrong, and with `fix` mends what can be mended. Throws what `examine` throws. */
  examine(how: { fix: boolean }): Promise<Diagnosis>
  /** Runs `work` in a clone of a tenant's database, which is dropped after it. Throws what `inCloneOf` throws. */
  inCloneOf<T>(
    tenant: Pick<TenantRecord, 'serverId' | 'databaseName'>,
    work: (clone: Connection) => Promise<T>,
  ): Promise<T>
  /** Compares a tenant's schema with what its migrations make, and records what it finds. */
  checkDrift(tenant: Pick<TenantRecord, 'id' | 'serverId' | 'databaseName'>): Promise<Comparison>
}

/** What all of these need. */
export type OperationsOptions = Omit<DoctorOptions, 'references'> & RehearsalOptions

export function createOperations(options: OperationsOptions): Operations {
  const { core, urlOf, servers, migrations } = options
  const references = new References(options)
  return {
    addServer: (wish, record) => addServer(options, wish, record),
    listServers: () => listServerReports(core, urlOf),
    examine: (how) => examine({ ...options, references }, how),
    inCloneOf: (tenant, work) => inCloneOf(options, tenant, work),
    checkDrift: async (tenant) => {
      const server = await servers.get(tenant.serverId)
      const look = await server.maintain(tenant.databaseName, (database) => lookInside(database, migrations))
      // Outside: what it is compared with is found on connections of the same budget.
      return await compareLook({ core, references }, tenant, look)
    },
  }
}
