import type { Connection } from '../../platform/index.ts'
import { type Diagnosis, examine } from '../doctor/doctor.ts'
import type { DoctorOptions } from '../doctor/scope.ts'
import { type AddedServer, addServer, type NewServer } from '../servers/add-server.ts'
import { listServerReports, type ServerReport } from '../servers/server-reports.ts'
import type { TenantRecord } from '../types.ts'
import { inCloneOf, type RehearsalOptions } from './rehearsal.ts'

/** What operators do; requests need none of it. */
export interface Operations {
  /** Throws what `addServer` throws. */
  addServer(wish: NewServer): Promise<AddedServer>
  /** Every server, oldest first, with whether it answers. */
  listServers(): Promise<ServerReport[]>
  /** Looks for what is wrong, and with `fix` mends what can be mended. Throws what `examine` throws. */
  examine(how: { fix: boolean }): Promise<Diagnosis>
  /** Runs `work` in a clone of a tenant's database, which is dropped after it. Throws what `inCloneOf` throws. */
  inCloneOf<T>(
    tenant: Pick<TenantRecord, 'serverId' | 'databaseName'>,
    work: (clone: Connection) => Promise<T>,
  ): Promise<T>
}

export function createOperations(options: DoctorOptions & RehearsalOptions): Operations {
  const { core, urlOf } = options
  return {
    addServer: (wish) => addServer(options, wish),
    listServers: () => listServerReports(core, urlOf),
    examine: (how) => examine(options, how),
    inCloneOf: (tenant, work) => inCloneOf(options, tenant, work),
  }
}
