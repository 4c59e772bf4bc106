import { databaseOf } from '../../../platform/index.ts'
import { templatePrefix } from '../../provisioning/template.ts'
import { aboutServer, aboutTenant, openTenants, revokeStatement } from '../about.ts'
import type { Finding } from '../finding.ts'
import { closeToPublic } from '../mend.ts'
import { closeTemplateToPublic } from '../remove.ts'
import { onServer, type ServerScope } from '../scope.ts'
import { revokeFromPublic } from '../store.ts'

const TEXT = 'every role of the server may connect to it'

/** Databases that PUBLIC may enter, and so every tenant's role. */
export function checkPublicRights(scope: ServerScope): Finding[] {
  return [...ofTheServer(scope), ...ofTemplates(scope), ...ofTenants(scope)]
}

/** The core database is ours to close; the others are the administrator's. */
function ofTheServer(scope: ServerScope): Finding[] {
  const entry = databaseOf(scope.url)
  const names = new Set(['postgres', 'template1', entry])
  return [...names].flatMap((name) => {
    if (!scope.databases.get(name)?.isPublic) return []
    const isCore = name === entry && scope.server.sealedUrl === null
    return aboutServer(
      scope,
      {
        code: 'public-connect',
        severity: isCore ? 'error' : 'warning',
        text: TEXT,
        statement: revokeStatement(name),
        ...(isCore && { mend: () => onServer(scope, (server) => revokeFromPublic(server, name)) }),
      },
      name,
    )
  })
}

function ofTemplates(scope: ServerScope): Finding[] {
  const prefix = templatePrefix(scope.ourId)
  return [...scope.databases.values()].flatMap(({ name, isPublic, allowsConnections }) => {
    // A template that is being built is closed as long as everybody might enter it.
    if (!isPublic || !allowsConnections || !name.startsWith(prefix)) return []
    return aboutServer(
      scope,
      {
        code: 'public-connect',
        severity: 'warning',
        text: TEXT,
        statement: revokeStatement(name),
        mend: () => closeTemplateToPublic(scope, name),
      },
      name,
    )
  })
}

function ofTenants(scope: ServerScope): Finding[] {
  return openTenants(scope).flatMap(({ tenant, database }) =>
    database.isPublic
      ? aboutTenant(scope, tenant, {
          code: 'public-connect',
          severity: 'error',
          text: TEXT,
          statement: revokeStatement(database.name),
          mend: () => closeToPublic(scope, tenant.id),
        })
      : [],
  )
}
