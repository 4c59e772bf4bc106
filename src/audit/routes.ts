import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type Cursors, type Guard, type HttpServer, responses } from '../http/index.ts'
import type { Id } from '../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../tenancy/index.ts'
import { exportLines } from './export.ts'
import { organizationLogRoute } from './organization-log-route.ts'
import { nameOfLog, readEntries } from './page.ts'
import { AuditPage, ExportQuery, ListQuery, readFilter } from './schemas.ts'
import type { AnyExecutor } from './store.ts'

export interface AuditRoutesOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'enter'>
  readonly cursors: Cursors
  /** Admits those who operate the platform. */
  readonly adminGuard: Guard<{ readonly user: { readonly id: Id } }>
  /** Admits those who run an organization. */
  readonly tenantAdminGuard: Guard<{ readonly tenant: TenantDb }>
}

/** One log: where it is read, by whom, and in which database it lies. */
interface Log {
  readonly path: string
  readonly tag: string
  /** `…MyAuditLog`: how the names of its operations end. */
  readonly operation: string
  readonly whose: string
  readonly guard: Guard<unknown>
  /** The database, and what its list is called in cursors. */
  readonly of: (request: FastifyRequest) => { readonly db: AnyExecutor; readonly name: string }
}

const NDJSON = 'application/x-ndjson'
const Lines = Type.Unsafe<Readable>({ type: 'string', description: 'One `AuditEntry` a line.' })

/** The audit logs: of an organization for those who run it, of the platform for those who operate that. */
export function auditRoutes(server: HttpServer, options: AuditRoutesOptions): void {
  const { core, cursors, adminGuard, tenantAdminGuard } = options
  const ofTenant = (request: FastifyRequest) => {
    const { tenant } = tenantAdminGuard.admitted(request)
    return { db: tenant, name: nameOfLog(tenant) }
  }
  const logs: readonly Log[] = [
    {
      path: '/api/v1/audit',
      tag: 'audit',
      operation: 'AuditLog',
      whose: 'this organization',
      guard: tenantAdminGuard,
      of: ofTenant,
    },
    {
      path: '/api/v1/admin/audit',
      tag: 'admin',
      operation: 'PlatformAuditLog',
      whose: 'the platform',
      guard: adminGuard,
      of: () => ({ db: core, name: 'audit' }),
    },
  ]
  for (const log of logs) {
    listRoute(server, log, cursors)
    exportRoute(server, log)
  }
  organizationLogRoute(server, options)
}

function listRoute(server: HttpServer, { path, tag, operation, whose, guard, of }: Log, cursors: Cursors) {
  server.get(
    path,
    {
      onRequest: guard.onRequest,
      schema: {
        tags: [tag],
        operationId: `list${operation}`,
        summary: `What happened in ${whose}, newest first`,
        querystring: ListQuery,
        response: responses({ 200: AuditPage }),
      },
    },
    async (request) => {
      const { db, name } = of(request)
      return await readEntries(db, name, cursors, request.query)
    },
  )
}

function exportRoute(server: HttpServer, { path, tag, operation, whose, guard, of }: Log): void {
  server.get(
    `${path}/export`,
    {
      onRequest: guard.onRequest,
      config: { produces: [NDJSON] },
      exposeHeadRoute: false,
      schema: {
        tags: [tag],
        operationId: `export${operation}`,
        summary: `Everything that happened in ${whose}, oldest first, an entry a line`,
        produces: [NDJSON],
        querystring: ExportQuery,
        response: responses({ 200: Lines }),
      },
    },
    async (request, reply) => {
      const lines = exportLines(of(request).db, readFilter(request.query))
      reply
        .type(`${NDJSON}; charset=utf-8`)
        .header('content-disposition', 'attachment; filename="audit.ndjson"')
      // Bytes, not objects: otherwise it would read sixteen batches ahead.
      return reply.send(Readable.from(lines, { objectMode: false }))
    },
  )
}
