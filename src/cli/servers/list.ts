import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'

const HEADINGS = ['SERVER', 'ADDRESS', 'REGION', 'TENANTS', 'SPARES', 'CAPACITY', 'DRAINING', 'REACHABLE']

/** Every server with its load, and whether it answers. */
export async function listAll({ output }: CommandContext, { tenancy }: Databases): Promise<ExitCode> {
  const servers = await tenancy.operations.listServers()
  output.data(
    servers.map((server) => ({
      name: server.name,
      address: server.address ?? null,
      region: server.region,
      tenants: server.tenants,
      spares: server.spares,
      capacity: server.capacity,
      is_draining: server.isDraining,
      is_reachable: server.problem === undefined,
      problem: server.problem ?? null,
    })),
    table(
      HEADINGS,
      servers.map((server) => [
        server.name,
        server.address ?? '-',
        server.region ?? '-',
        String(server.tenants),
        String(server.spares),
        server.capacity === null ? '-' : String(server.capacity),
        server.isDraining ? 'yes' : 'no',
        server.problem === undefined ? 'yes' : `no: ${server.problem}`,
      ]),
    ),
  )
  return EXIT.done
}
