import { type Static, Type } from 'typebox'
import { Exactly, Id, Nullable, Timestamp } from '../http/index.ts'
import { runStatus } from './run-status.ts'
import type { RunSummary } from './runs/store.ts'
import { RUN_KINDS, RUN_TENANT_STATUSES } from './tables.ts'
import type { RunTenant } from './turns/store.ts'

const RUN = {
  id: Id,
  kind: Type.Enum([...RUN_KINDS]),
  status: Type.Enum(['running', 'interrupted', 'paused', 'stopped', 'finished']),
  reason: Nullable(Type.String({ description: 'Why it stopped.' })),
  planned: Type.Integer({ description: 'Tenants that are part of it.' }),
  done: Type.Integer(),
  failed: Type.Integer(),
  left: Type.Integer({ description: 'Tenants that there was a reason not to touch.' }),
  running: Type.Integer(),
  up_to_date: Type.Integer({ description: 'Tenants that needed nothing when it was planned.' }),
  created_at: Timestamp,
  finished_at: Nullable(Timestamp),
}

/** A run over many tenants. `interrupted`: its process died; it can be resumed. */
export const RunBody = Exactly(RUN, { $id: 'Run' })
export type RunBody = Static<typeof RunBody>

const RunTenantBody = Exactly(
  {
    tenant_id: Id,
    wave: Type.Integer({ description: '0 is the canary.' }),
    status: Type.Enum([...RUN_TENANT_STATUSES]),
    versions: Type.Array(Type.String()),
    duration_ms: Nullable(Type.Integer()),
    failure_code: Nullable(Type.String()),
    failure_message: Nullable(Type.String()),
  },
  { $id: 'RunTenant' },
)

/** A run with its tenants, in the order of their turns. */
export const RunReportBody = Exactly({ ...RUN, tenants: Type.Array(RunTenantBody) }, { $id: 'RunReport' })

export const RunParams = Exactly({ id: Id })

/** A run as the API shows it. */
export function presentRunBody({ run, isCarriedOut, ...counts }: RunSummary): RunBody {
  const { planned, done, failed, left, running } = counts
  return {
    id: run.id,
    kind: run.kind,
    status: runStatus({ run, isCarriedOut }),
    reason: run.reason,
    planned,
    done,
    failed,
    left,
    running,
    up_to_date: run.upToDate,
    created_at: run.createdAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
  }
}

/** A run and how fast it gets on, as its events tell. */
export interface RunProgress extends RunBody {
  /** Of the last half minute; null where that is not known. */
  readonly tenants_per_second: number | null
  /** Until all have had their turn, at that speed; null where that is not known. */
  readonly seconds_left: number | null
}

/** @param perSecond tenants; null where that is not known */
export function presentRunProgress(summary: RunSummary, perSecond: number | null): RunProgress {
  const body = presentRunBody(summary)
  const speed = body.status === 'running' ? perSecond : null
  const waiting = body.planned - body.done - body.failed - body.left
  return {
    ...body,
    tenants_per_second: speed,
    seconds_left: speed ? Math.ceil(waiting / speed) : null,
  }
}

/** A tenant of a run as the API shows it. */
export function presentRunTenant(
  tenant: Pick<RunTenant, 'tenantId' | 'wave' | 'status' | 'versions' | 'durationMs' | 'failure'>,
): Static<typeof RunTenantBody> {
  return {
    tenant_id: tenant.tenantId,
    wave: tenant.wave,
    status: tenant.status,
    versions: tenant.versions,
    duration_ms: tenant.durationMs,
    failure_code: tenant.failure?.code ?? null,
    failure_message: tenant.failure?.message ?? null,
  }
}
