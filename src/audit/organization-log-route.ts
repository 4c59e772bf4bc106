import { type Cursors, Exactly, type Guard, type HttpServer, Id, responses } from '../http/index.ts'
import type { Id as IdText } from '../platform/index.ts'
import { type Tenancy, tenancyErrors } from '../tenancy/index.ts'
import { auditCatalogue } from './catalogue.ts'
import { nameOfLog, readEntries } from './page.ts'
import { recordAuditLast } from './record.ts'
import { AuditPage, ListQuery } from './schemas.ts'

/** What is recorded of who reads somebody else's log, in that log. */
const readingAudit = auditCatalogue({ 'audit.read': {} })

export interface OrganizationLogOptions {
  readonly tenancy: Pick<Tenancy, 'enter'>
  readonly cursors: Cursors
  /** Admits those who operate the platform. */
  readonly adminGuard: Guard<{ readonly user: { readonly id: IdText } }>
}

/** An organization's log for those who operate the platform. That they read it stands in it afterwards. */
export function organizationLogRoute(
  server: HttpServer,
  { tenancy, cursors, adminGuard }: OrganizationLogOptions,
): void {
  server.get(
    '/api/v1/admin/organizations/:id/audit',
    {
      onRequest: adminGuard.onRequest,
      // It would be recorded as read.
      exposeHeadRoute: false,
      schema: {
        tags: ['admin'],
        operationId: 'listOrganizationAuditLog',
        summary: 'What happened in an organization, newest first; its log records that it was read',
        params: Exactly({ id: Id }),
        querystring: ListQuery,
        response: responses({ 200: AuditPage }, Object.values(tenancyErrors)),
      },
    },
    async (request) => {
      const { user } = adminGuard.admitted(request)
      const tenant = await tenancy.enter(request.params.id)
      return await tenant.transaction(async (tx) => {
        const page = await readEntries(tx, nameOfLog(tenant), cursors, request.query)
        const target = { kind: 'organization', id: tenant.tenantId }
        await recordAuditLast(
          tx,
          readingAudit('audit.read', { actor: { kind: 'admin', id: user.id }, target }),
        )
        return page
      })
    },
  )
}
