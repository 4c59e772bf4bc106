import type { CredentialVault } from '../credentials/vault.ts'
import { type AddedServer, addServer, type NewServer } from '../servers/add-server.ts'
import { listServerReports, type ServerReport } from '../servers/server-reports.ts'
import type { ServerRecord } from '../servers/store.ts'
import type { CoreDb } from '../types.ts'

export interface OperationsOptions {
  readonly core: CoreDb
  readonly vault: CredentialVault
  /** @throws SealedElsewhereError */
  readonly urlOf: (server: ServerRecord) => string
}

/** What operators do; requests need none of it. */
export interface Operations {
  /** Throws what `addServer` throws. */
  addServer(wish: NewServer): Promise<AddedServer>
  /** Every server, oldest first, with whether it answers. */
  listServers(): Promise<ServerReport[]>
}

export function createOperations(options: OperationsOptions): Operations {
  const { core, urlOf } = options
  return {
    addServer: (wish) => addServer(options, wish),
    listServers: () => listServerReports(core, urlOf),
  }
}
