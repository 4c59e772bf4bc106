import { type FleetEvent, type RunReport, type RunTenant, runStatus } from '../../fleet/index.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { type Output, table } from '../output.ts'

/** More failures than these are counted; `runs show` has them all. */
const SHOWN = 20

/** Says how a run ended: data to stdout, what went wrong and what to do about it to stderr, where the eye is. */
export function reportRun(output: Output, report: RunReport): ExitCode {
  const { run, planned, done, failed, left } = report
  const waiting = planned - done - failed - left
  tellTroubles(output, report)
  const counts = [
    `${done} done`,
    `${failed} failed`,
    ...(left > 0 ? [`${left} left as they were`] : []),
    ...(waiting > 0 ? [`${waiting} not tried`] : []),
  ]
  output.data({ kind: 'summary', ...presentRun(report) }, counts.join(', '))
  if (run.status === 'paused') return EXIT.interrupted
  return failed + left + waiting > 0 ? EXIT.someFailed : EXIT.done
}

/** A run for scripts. */
export function presentRun({ run, isCarriedOut, planned, done, failed, left }: Omit<RunReport, 'tenants'>) {
  return {
    run_id: run.id,
    run_kind: run.kind,
    status: runStatus({ run, isCarriedOut }),
    reason: run.reason,
    planned,
    succeeded: done,
    failed,
    left,
    not_tried: planned - done - failed - left,
    up_to_date: run.upToDate,
    holder: isCarriedOut ? run.holder : null,
    created_at: run.createdAt,
    finished_at: run.finishedAt,
  }
}

/** A tenant of a run for scripts. */
export function presentTenant({
  tenantId,
  status,
  wave,
  attempts,
  versions,
  durationMs,
  failure,
}: RunTenant) {
  return { id: tenantId, status, wave, attempts, versions, duration_ms: durationMs, failure }
}

/** A step of a run for scripts: one line of JSON. */
export function presentEvent(event: FleetEvent): object {
  if (event.kind === 'planned')
    return { kind: 'planned', run_id: event.runId, tenants: event.tenants, up_to_date: event.upToDate }
  if (event.kind === 'wave') return event
  const { tenantId, status, versions, durationMs, failure, schema } = event
  return {
    kind: 'tenant',
    id: tenantId,
    status,
    versions: versions ?? [],
    duration_ms: durationMs,
    ...(schema && { schema_version: schema.schemaVersion }),
    ...(failure && { failure }),
  }
}

function tellTroubles(output: Output, { run, tenants, failed, left, planned, done }: RunReport): void {
  const troubled = tenants.filter(({ status }) => status === 'failed' || status === 'left')
  if (troubled.length > 0) {
    output.note(table(['TENANT', 'REASON', 'WHERE', 'MESSAGE'], troubled.slice(0, SHOWN).map(rowOf)))
    if (troubled.length > SHOWN) output.note(`… and ${troubled.length - SHOWN} more`)
  }
  if (run.status === 'stopped') output.note(`The run was stopped: ${run.reason}.`)
  if (run.status === 'paused') output.note('The run is paused; what was begun is done.')
  if (planned > done + failed + left) output.note(`Go on with: tenantry runs resume ${run.id}`)
  if (failed + left > 0) output.note(`Try the failed ones again with: tenantry runs retry ${run.id}`)
}

function rowOf({ tenantId, failure }: RunTenant): string[] {
  const { code = '-', message = '', file, line, sqlState } = failure ?? {}
  const place = [file, line].filter((part) => part !== undefined).join(':')
  const [first = ''] = message.split('\n')
  return [tenantId, sqlState ? `${code} (${sqlState})` : code, place || '-', first]
}
