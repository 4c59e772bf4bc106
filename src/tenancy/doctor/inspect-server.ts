import { messageOf } from '../../platform/index.ts'
import { SealedElsewhereError } from '../credentials/vault.ts'
import type { ServerRecord } from '../servers/store.ts'
import { aboutServer } from './about.ts'
import { checkAdmission } from './checks/admission.ts'
import { checkBirths } from './checks/births.ts'
import { checkComments } from './checks/comments.ts'
import { checkCredentials } from './checks/credentials.ts'
import { checkDatabases } from './checks/databases.ts'
import { checkPublicRights } from './checks/public-rights.ts'
import { checkRoles } from './checks/roles.ts'
import { checkServer } from './checks/server.ts'
import { checkStrangers } from './checks/strangers.ts'
import { checkTemplates } from './checks/templates.ts'
import { checkVersions } from './checks/versions.ts'
import type { Finding } from './finding.ts'
import { inspectTenants } from './inspect-tenants.ts'
import { type DoctorOptions, openScope, type ServerScope } from './scope.ts'

/** In the order in which their findings are mended: a role before what it may enter. */
const CHECKS: readonly ((scope: ServerScope) => Finding[] | Promise<Finding[]>)[] = [
  checkServer,
  checkRoles,
  checkCredentials,
  checkDatabases,
  checkComments,
  checkPublicRights,
  checkAdmission,
  checkVersions,
  checkBirths,
  checkTemplates,
  checkStrangers,
  inspectTenants,
]

/** Everything that is wrong on one server; that it cannot be looked at is a finding too. */
export async function inspectServer(options: DoctorOptions, server: ServerRecord): Promise<Finding[]> {
  let scope: ServerScope
  try {
    scope = await openScope(options, server)
  } catch (error) {
    return [cannotLook(server, error)]
  }
  const findings: Finding[] = []
  for (const check of CHECKS) {
    try {
      findings.push(...(await check(scope)))
    } catch (error) {
      const text = `the check “${check.name}” failed: ${messageOf(error)}`
      findings.push(aboutServer({ server }, { code: 'check-failed', severity: 'error', text }))
    }
  }
  return findings
}

function cannotLook(server: ServerRecord, error: unknown): Finding {
  if (error instanceof SealedElsewhereError) {
    const text =
      'its URL was sealed with another secret: TENANTRY_SECRET must be the one that the servers run with'
    return aboutServer({ server }, { code: 'secret-wrong', severity: 'error', text })
  }
  const text = `it cannot be looked at: ${messageOf(error)}`
  return aboutServer({ server }, { code: 'server-unreachable', severity: 'error', text })
}
