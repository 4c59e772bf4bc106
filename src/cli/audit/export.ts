import { Value } from 'typebox/value'
import { type AuditFilter, ExportQuery, exportLines, readFilter } from '../../audit/index.ts'
import { AppError, createDatabase } from '../../platform/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { findNamed } from '../tenants/find.ts'

export interface ExportOptions {
  readonly tenant?: string
  readonly since?: string
  readonly until?: string
  readonly action?: string
}

type Lines = ReturnType<typeof exportLines>

/** Writes a log as the API exports it, whatever the tenant's status is: it may be why the log is wanted. */
export async function exportLog(
  { output }: CommandContext,
  databases: Databases,
  { tenant: id, ...query }: ExportOptions,
): Promise<ExitCode> {
  const filter = filterOf(query)
  const write = async (lines: Lines) => {
    for await (const text of lines) output.lines(text)
  }
  if (id === undefined) await write(exportLines(databases.core, filter))
  else {
    const record = await findNamed(databases, id)
    await databases.tenancy.maintain(record, (connection) => {
      const tenant = createDatabase('tenant', {
        query: (statement, values) => connection.query(statement, values),
        exclusive: (work) => work(connection),
      })
      return write(exportLines(tenant, filter))
    })
  }
  return EXIT.done
}

/** @throws UsageError for what the API would refuse */
function filterOf(query: Omit<ExportOptions, 'tenant'>): AuditFilter {
  const refusal = 'A time is written as 2026-01-31T00:00:00Z, and an action in small letters.'
  if (!Value.Check(ExportQuery, query)) throw new UsageError(refusal)
  try {
    return readFilter(query)
  } catch (error) {
    throw error instanceof AppError ? new UsageError(refusal, { cause: error }) : error
  }
}
