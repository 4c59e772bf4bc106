import { quoteIdentifier } from '../../../platform/index.ts'
import { shortcomings } from '../../servers/probe.ts'
import { aboutServer } from '../about.ts'
import type { Finding } from '../finding.ts'
import type { ServerScope } from '../scope.ts'

/** Its version, and what the platform's role may do there. */
export function checkServer(scope: ServerScope): Finding[] {
  const { role, isSuperuser } = scope.facts
  const findings = shortcomings(scope.facts).map((text) =>
    aboutServer(scope, { code: 'server-unfit', severity: 'error', text }),
  )
  if (!isSuperuser) return findings
  const superuser = aboutServer(
    scope,
    {
      code: 'platform-role',
      severity: 'warning',
      text: 'the platform’s role is a superuser and needs CREATEDB and CREATEROLE only',
      statement: `ALTER ROLE ${quoteIdentifier(role)} NOSUPERUSER CREATEDB CREATEROLE;`,
    },
    role,
  )
  return [...findings, superuser]
}
