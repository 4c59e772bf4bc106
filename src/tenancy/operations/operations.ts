import { type Diagnosis, examine } from '../doctor/doctor.ts'
import type { DoctorOptions } from '../doctor/scope.ts'
import { type AddedServer, addServer, type NewServer } from '../servers/add-server.ts'
import { listServerReports, type ServerReport } from '../servers/server-reports.ts'

/** What operators do; requests need none of it. */
export interface Operations {
  /** Throws what `addServer` throws. */
  addServer(wish: NewServer): Promise<AddedServer>
  /** Every server, oldest first, with whether it answers. */
  listServers(): Promise<ServerReport[]>
  /** Looks for what is wrong, and with `fix` mends what can be mended. Throws what `examine` throws. */
  examine(how: { fix: boolean }): Promise<Diagnosis>
}

export function createOperations(options: DoctorOptions): Operations {
  const { core, urlOf } = options
  return {
    addServer: (wish) => addServer(options, wish),
    listServers: () => listServerReports(core, urlOf),
    examine: (how) => examine(options, how),
  }
}
