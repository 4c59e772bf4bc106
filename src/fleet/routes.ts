import { Type } from 'typebox'
import { type Guard, type HttpServer, httpErrors, responses } from '../http/index.ts'
import type { Clock, Logger } from '../platform/index.ts'
import type { CoreDb } from '../tenancy/index.ts'
import { type LiveTimes, liveRoute } from './live/index.ts'
import { listRuns } from './runs/store.ts'
import { presentRunBody, presentRunTenant, RunBody, RunParams, RunReportBody } from './schemas.ts'
import { listRunTenants } from './turns/store.ts'

export interface FleetRoutesOptions {
  readonly core: CoreDb
  /** Admits those who operate the platform. */
  readonly adminGuard: Guard<{ readonly expiresAt: Date }>
  readonly clock: Clock
  readonly log: Logger
  /** How often runs that are watched are looked at. */
  readonly times?: LiveTimes
}

const PATH = '/api/v1/admin/runs'
const DESCRIBED = { tags: ['admin'] }

/** Runs over many tenants, for those who operate the platform. */
export function fleetRoutes(server: HttpServer, options: FleetRoutesOptions): void {
  const { core, adminGuard } = options
  const guarded = { onRequest: adminGuard.onRequest }

  server.get(
    PATH,
    {
      ...guarded,
      schema: {
        ...DESCRIBED,
        operationId: 'listRuns',
        summary: 'The last fifty runs over many tenants, newest first',
        response: responses({ 200: Type.Array(RunBody) }),
      },
    },
    async () => (await listRuns(core)).map(presentRunBody),
  )

  server.get(
    `${PATH}/:id`,
    {
      ...guarded,
      schema: {
        ...DESCRIBED,
        operationId: 'getRun',
        summary: 'One run with each of its tenants',
        params: RunParams,
        response: responses({ 200: RunReportBody }, [httpErrors.notFound]),
      },
    },
    async ({ params: { id } }) => {
      const [summary] = await listRuns(core, { id })
      if (!summary) throw httpErrors.notFound({ detail: 'There is no such run.' })
      const tenants = (await listRunTenants(core, id)).map(presentRunTenant)
      return { ...presentRunBody(summary), tenants }
    },
  )

  liveRoute(server, `${PATH}/:id/events`, options)
}
