import { auditCatalogue, recordAudit } from '../audit/index.ts'
import type { RunRecorder } from '../fleet/index.ts'
import type { CoreDb } from '../tenancy/index.ts'

/** What operators do to the platform itself, recorded in the core database. */
export const operatorAudit = auditCatalogue({
  'server.added': {},
  'server.drained': {},
  'server.undrained': {},
  'doctor.fixed': { mended: 'number', left: 'number' },
  /** SQL that may write, or a command, for tenants. `only`: how many were named; absent, all. */
  'tenants.executed': { kind: 'word', only: 'number' },
  /** A stretch of a run: one that goes on after a pause starts again. */
  'run.started': { kind: 'word' },
  'run.ended': { status: 'word' },
})

const BY_OPERATOR = { actor: { kind: 'operator' } } as const

/** Records runs over tenants, each in the transaction of what it tells of. */
export const runRecorder: RunRecorder = {
  started: (tx, { id, kind }) =>
    recordAudit(
      tx,
      operatorAudit('run.started', { ...BY_OPERATOR, target: { kind: 'run', id }, details: { kind } }),
    ),
  ended: (tx, { id, status }) =>
    recordAudit(
      tx,
      operatorAudit('run.ended', { ...BY_OPERATOR, target: { kind: 'run', id }, details: { status } }),
    ),
}

/** Records that statements that may write, or a command, are about to run for tenants: before, as nobody knows what becomes of them. */
export async function recordExecution(
  core: CoreDb,
  kind: 'sql' | 'command',
  only: number | undefined,
): Promise<void> {
  const details = { kind, ...(only !== undefined && { only }) }
  await core.transaction((tx) =>
    recordAudit(tx, operatorAudit('tenants.executed', { ...BY_OPERATOR, details })),
  )
}

/** Records how much a doctor mended, and how much it left. */
export async function recordFix(core: CoreDb, mended: number, left: number): Promise<void> {
  await core.transaction((tx) =>
    recordAudit(tx, operatorAudit('doctor.fixed', { ...BY_OPERATOR, details: { mended, left } })),
  )
}
