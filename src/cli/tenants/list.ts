import { isSpare, listServers, listTenants, type TenantStatus } from '../../tenancy/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'

export interface ListOptions {
  readonly status?: TenantStatus
}

/** Every tenant with its server, status and schema version. */
export async function listAll(
  { output }: CommandContext,
  { core }: Databases,
  { status }: ListOptions,
): Promise<ExitCode> {
  const names = new Map((await listServers(core)).map(({ id, name }) => [id, name]))
  const all = await listTenants(core)
  const tenants = status === undefined ? all : all.filter((tenant) => tenant.status === status)
  output.data(
    tenants.map((tenant) => ({
      id: tenant.id,
      status: tenant.status,
      is_spare: isSpare(tenant),
      server: names.get(tenant.serverId),
      database_name: tenant.databaseName,
      schema_version: tenant.schemaVersion,
    })),
    table(
      ['TENANT', 'STATUS', 'SERVER', 'SCHEMA VERSION', 'SPARE'],
      tenants.map((tenant) => [
        tenant.id,
        tenant.status,
        names.get(tenant.serverId) ?? '',
        tenant.schemaVersion ?? '-',
        isSpare(tenant) ? 'yes' : '',
      ]),
    ),
  )
  return EXIT.done
}
