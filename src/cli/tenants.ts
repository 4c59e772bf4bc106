import { Command } from 'commander'
import { listTenants } from '../tenancy/index.ts'
import type { CommandContext, Run } from './context.ts'
import { type Databases, withDatabases } from './databases.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { table } from './output.ts'

/** `tenantry tenants …` */
export function tenantsCommand(run: Run): Command {
  const tenants = new Command('tenants').description('look after tenants')
  tenants
    .command('list')
    .description('every tenant with its status and schema version')
    .addHelpText('after', '\nExample:\n  tenantry tenants list --json')
    .action(() => run((context) => withDatabases(context, (databases) => list(context, databases))))
  return tenants
}

/** Every tenant with its database, status and schema version. */
async function list({ output }: CommandContext, { core }: Databases): Promise<ExitCode> {
  const tenants = await listTenants(core)
  output.data(
    tenants.map(({ id, status, databaseName, schemaVersion }) => ({
      id,
      status,
      database_name: databaseName,
      schema_version: schemaVersion,
    })),
    table(
      ['TENANT', 'STATUS', 'SCHEMA VERSION'],
      tenants.map(({ id, status, schemaVersion }) => [id, status, schemaVersion ?? '']),
    ),
  )
  return EXIT.done
}
