import { type EachOutcome, forEachTenant, patiently } from '../../fleet/index.ts'
import { type Connection, isId } from '../../platform/index.ts'
import type { TenantRecord } from '../../tenancy/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { recordExecution } from '../operator-audit.ts'
import { runCommand, type Written } from './child-command.ts'

export interface ExecOptions {
  readonly sql?: string
  readonly write?: boolean
  readonly tenant: readonly string[]
  readonly concurrency: string
}

type Target = Pick<TenantRecord, 'id' | 'serverId' | 'databaseName'>

/** What a command or the SQL gave: lines of text, or rows. */
type Result = Written | { readonly rows: readonly unknown[] }

/** Runs SQL or a command for many tenants; exits 4 when it failed for one, after having gone on with the others. */
export async function exec(
  { output, interrupted, env }: CommandContext,
  databases: Databases,
  command: readonly string[],
  { sql, write = false, tenant, concurrency }: ExecOptions,
): Promise<ExitCode> {
  if ((sql === undefined) === (command.length === 0))
    throw new UsageError('Give a command after --, or --sql with a statement.')
  if (!/^[1-9]\d{0,2}$/.test(concurrency))
    throw new UsageError('--concurrency takes a whole number from 1 to 999.')
  if (tenant.some((id) => !isId(id)))
    throw new UsageError('--tenant takes an organization id: a UUID in lower case.')
  const only = tenant.length > 0 ? [...new Set(tenant)] : undefined
  // A command finds a URL with which it may write.
  if (write || sql === undefined)
    await recordExecution(databases.core, sql === undefined ? 'command' : 'sql', only?.length)
  const signal = interrupted()
  const work = (one: Target): Promise<Result> =>
    sql === undefined
      ? runFor(databases, one, command, env)
      : runSql(databases, one, sql, write, () => signal.aborted)
  const report = await forEachTenant(
    {
      core: databases.core,
      concurrency: Math.min(Number(concurrency), databases.connections),
      only,
      signal,
    },
    work,
    (outcome) => tell(output, outcome),
  )
  const { tenants, succeeded, failed } = report
  if (output.json) output.data({ kind: 'summary', ...report, not_tried: tenants - succeeded - failed }, '')
  output.note(`${succeeded} done, ${failed} failed, ${tenants - succeeded - failed} not tried`)
  if (signal.aborted) return EXIT.interrupted
  return failed > 0 ? EXIT.someFailed : EXIT.done
}

/** Only reads, unless it was said that it is to write: a slip of the pen would hit every customer at once. */
async function runSql(
  { tenancy }: Databases,
  tenant: Target,
  sql: string,
  write: boolean,
  isStopped: () => boolean,
): Promise<Result> {
  const once = () =>
    tenancy.maintain(tenant, async (connection: Connection) => {
      // The session too: the SQL may end this transaction, as a script with COMMIT does. Nobody else gets the connection.
      if (!write) await connection.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY')
      await connection.query(`BEGIN ${write ? 'READ WRITE' : 'READ ONLY'}`)
      const results = [await connection.query(sql)].flat()
      await connection.query('COMMIT')
      return { rows: results.at(-1)?.rows ?? [] }
    })
  // What was written may have been, although its answer got lost.
  return await (write ? once() : patiently(once, { isStopped }))
}

/** The command finds the tenant in its environment, as whoever maintains it would enter. */
async function runFor(
  { tenancy }: Databases,
  { id, serverId, databaseName }: Target,
  [program = '', ...args]: readonly string[],
  inherited: CommandContext['env'],
): Promise<Written> {
  const url = (await tenancy.servers.get(serverId)).urlFor(databaseName)
  const env = { ...inherited, TENANT_ID: id, TENANT_DATABASE: databaseName, TENANT_DATABASE_URL: url }
  return await runCommand(program, args, env)
}

function tell(output: CommandContext['output'], outcome: EachOutcome<Result>): void {
  const { tenantId } = outcome
  if ('error' in outcome) {
    if (output.json) output.data({ kind: 'tenant', id: tenantId, error: outcome.error }, '')
    else output.note(`${tenantId}: failed: ${outcome.error}`)
    return
  }
  const { result } = outcome
  const prefixed = (lines: readonly string[]) =>
    lines.filter((line) => line !== '').map((line) => `${tenantId}: ${line}`)
  if ('rows' in result) {
    const rows = result.rows.map((row) => JSON.stringify(row))
    output.data({ kind: 'tenant', id: tenantId, ...result }, prefixed(rows).join('\n'))
    return
  }
  const { stdout, stderr } = result
  output.data(
    { kind: 'tenant', id: tenantId, output: stdout, stderr },
    prefixed(stdout.split('\n')).join('\n'),
  )
  if (!output.json) for (const line of prefixed(stderr.split('\n'))) output.note(line)
}
