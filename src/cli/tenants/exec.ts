import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type EachOutcome, forEachTenant } from '../../fleet/index.ts'
import { type Connection, isId } from '../../platform/index.ts'
import type { TenantRecord } from '../../tenancy/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

export interface ExecOptions {
  readonly sql?: string
  readonly write?: boolean
  readonly tenant: readonly string[]
  readonly concurrency: string
}

type Target = Pick<TenantRecord, 'id' | 'serverId' | 'databaseName'>

/** What a command or the SQL gave: lines of text, or rows. */
type Result = { readonly output: string } | { readonly rows: readonly unknown[] }

const run = promisify(execFile)
/** Of one command's output. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

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
  const work = (one: Target): Promise<Result> =>
    sql === undefined ? runCommand(databases, one, command, env) : runSql(databases, one, sql, write)
  const signal = interrupted()
  const report = await forEachTenant(
    {
      core: databases.core,
      concurrency: Math.min(Number(concurrency), databases.connections),
      only: tenant.length > 0 ? [...new Set(tenant)] : undefined,
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
async function runSql({ tenancy }: Databases, tenant: Target, sql: string, write: boolean): Promise<Result> {
  return await tenancy.maintain(tenant, async (connection: Connection) => {
    await connection.query(`BEGIN ${write ? 'READ WRITE' : 'READ ONLY'}`)
    const results = [await connection.query(sql)].flat()
    await connection.query('COMMIT')
    return { rows: results.at(-1)?.rows ?? [] }
  })
}

/** The command finds the tenant in its environment, as whoever maintains it would enter. */
async function runCommand(
  { tenancy }: Databases,
  { id, serverId, databaseName }: Target,
  [program = '', ...args]: readonly string[],
  inherited: CommandContext['env'],
): Promise<Result> {
  const url = (await tenancy.servers.get(serverId)).urlFor(databaseName)
  const env = { ...inherited, TENANT_ID: id, TENANT_DATABASE: databaseName, TENANT_DATABASE_URL: url }
  try {
    const running = run(program, args, { env, maxBuffer: MAX_OUTPUT_BYTES })
    // There is nobody to type.
    running.child.stdin?.end()
    const { stdout } = await running
    return { output: stdout }
  } catch (error) {
    throw describeFailure(error)
  }
}

function describeFailure(error: unknown): Error {
  const { code, signal, stderr } = error as { code?: unknown; signal?: unknown; stderr?: string }
  if (typeof code !== 'number' && !signal) return error instanceof Error ? error : new Error(String(error))
  const said = stderr?.trim() ? `: ${stderr.trim()}` : ''
  return new Error(`the command ended with ${typeof code === 'number' ? `exit code ${code}` : signal}${said}`)
}

function tell(output: CommandContext['output'], outcome: EachOutcome<Result>): void {
  const { tenantId } = outcome
  if ('error' in outcome) {
    if (output.json) output.data({ kind: 'tenant', id: tenantId, error: outcome.error }, '')
    else output.note(`${tenantId}: failed: ${outcome.error}`)
    return
  }
  const { result } = outcome
  const lines =
    'rows' in result ? result.rows.map((row) => JSON.stringify(row)) : result.output.trimEnd().split('\n')
  const text = lines.filter((line) => line !== '').map((line) => `${tenantId}: ${line}`)
  output.data({ kind: 'tenant', id: tenantId, ...result }, text.join('\n'))
}
