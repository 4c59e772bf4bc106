import { and, asc, eq, inArray, max, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { CoreExecutor } from '../../tenancy/index.ts'
import { fleetRunTenants } from '../tables.ts'

/** A tenant's turn that is over. */
export type EndedTurn = Awaited<ReturnType<typeof listPage>>[number]

const PAGE = 200
const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const ENDED = inArray(fleetRunTenants.status, ['done', 'failed', 'left'])

/** When the last turn of a run ended; `undefined` where none has. */
export async function findLastEnd(core: CoreExecutor, runId: Id): Promise<Date | undefined> {
  const [row] = await core.orm
    .select({ at: max(fleetRunTenants.finishedAt) })
    .from(fleetRunTenants)
    .where(and(eq(fleetRunTenants.runId, runId), ENDED))
  return row?.at ?? undefined
}

/** Turns of a run that ended at `since` or later, oldest first, a few hundred at a time. */
export async function* endedTurns(
  core: CoreExecutor,
  runId: Id,
  since: Date,
): AsyncGenerator<EndedTurn[], void, void> {
  let after: Pick<EndedTurn, 'finishedAt' | 'tenantId'> = { finishedAt: since, tenantId: FIRST_ID }
  for (;;) {
    const page = await listPage(core, runId, after)
    const last = page.at(-1)
    if (!last) return
    yield page
    if (page.length < PAGE) return
    after = last
  }
}

async function listPage(
  core: CoreExecutor,
  runId: Id,
  after: { readonly finishedAt: Date; readonly tenantId: Id },
) {
  const { tenantId, wave, status, versions, durationMs, failure } = fleetRunTenants
  // Whatever has ended has a time.
  const finishedAt = sql<Date>`${fleetRunTenants.finishedAt}`.mapWith(fleetRunTenants.finishedAt)
  return await core.orm
    .select({ tenantId, wave, status, versions, durationMs, failure, finishedAt })
    .from(fleetRunTenants)
    .where(
      and(
        eq(fleetRunTenants.runId, runId),
        ENDED,
        sql`(${fleetRunTenants.finishedAt}, ${tenantId}) > (${after.finishedAt.toISOString()}::timestamptz, ${after.tenantId}::uuid)`,
      ),
    )
    .orderBy(asc(fleetRunTenants.finishedAt), asc(tenantId))
    .limit(PAGE)
}
