import { isId, quoteIdentifier } from '../../../platform/index.ts'
import { aboutServer, HALF_DROPPED } from '../about.ts'
import type { Finding } from '../finding.ts'
import { readOwner } from '../proof.ts'
import { dropRemains, dropRole } from '../remove.ts'
import type { ServerScope } from '../scope.ts'
import type { DatabaseFacts } from '../store.ts'

const PREFIX = 'tenant_'
/** So many names are written out. */
const EXAMPLES = 3

/** Databases and roles that have the names of tenants', and no tenant. */
export function checkStrangers(scope: ServerScope): Finding[] {
  const strangers = [...scope.databases.values()].filter(
    ({ name }) => isTenantName(name) && !scope.knownNames.has(name),
  )
  const isOurs = ({ name, comment }: DatabaseFacts) => {
    const owner = readOwner(comment)
    return owner?.installationId === scope.ourId && `${PREFIX}${owner.tenantId}` === name
  }
  const others = strangers.filter(({ comment }) => {
    const owner = readOwner(comment)
    return owner !== undefined && owner.installationId !== scope.ourId
  })
  const unknown = strangers.filter((database) => !isOurs(database) && !others.includes(database))
  return [
    ...strangers.filter(isOurs).map((database) => orphan(scope, database)),
    ...summary(scope, 'other-installation', others, 'belong to other installations'),
    ...summary(scope, 'database-unknown', unknown, 'say not whose they are, and are left alone'),
    ...forsakenRoles(scope),
  ]
}

function orphan(scope: ServerScope, { name, connectionLimit }: DatabaseFacts): Finding {
  const tenantId = name.slice(PREFIX.length)
  const finding =
    connectionLimit === HALF_DROPPED
      ? ({
          code: 'database-half-dropped',
          severity: 'warning',
          text: 'a database of ours without a tenant, dropped in part: nobody can use it any more',
          mend: () => dropRemains(scope, name, tenantId),
        } as const)
      : ({
          code: 'database-without-tenant',
          severity: 'warning',
          text: 'a database of ours whose tenant the core database does not know on this server',
          statement: `DROP DATABASE ${quoteIdentifier(name)}; -- after a backup`,
        } as const)
  return { ...aboutServer(scope, finding, name), tenantId }
}

function summary(
  scope: ServerScope,
  code: 'other-installation' | 'database-unknown',
  databases: readonly DatabaseFacts[],
  what: string,
): Finding[] {
  if (databases.length === 0) return []
  const names = databases.slice(0, EXAMPLES).map(({ name }) => name)
  const more = databases.length > EXAMPLES ? ', …' : ''
  const text = `${databases.length} databases with names like tenants’ ${what}: ${names.join(', ')}${more}`
  return [aboutServer(scope, { code, severity: 'info', text })]
}

/** Members of our group, so they are ours. One whose database is there waits for what becomes of that. */
function forsakenRoles(scope: ServerScope): Finding[] {
  return [...scope.roles.values()].flatMap(({ name, groups }) => {
    const isForsaken =
      isTenantName(name) &&
      groups.includes(scope.group) &&
      !scope.knownNames.has(name) &&
      !scope.databases.has(name)
    if (!isForsaken) return []
    const text = 'a login role of ours without a tenant and without a database'
    const mend = () => dropRole(scope, name, name.slice(PREFIX.length))
    return aboutServer(scope, { code: 'role-without-tenant', severity: 'warning', text, mend }, name)
  })
}

function isTenantName(name: string): boolean {
  return name.startsWith(PREFIX) && isId(name.slice(PREFIX.length))
}
