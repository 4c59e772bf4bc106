import { databaseFault, messageOf } from '../../platform/index.ts'
import { lookInside } from '../drift/look.ts'
import { probeServer } from '../servers/probe.ts'
import { aboutServer, aboutTenant, type OpenTenant, openTenants } from './about.ts'
import { checkDrift } from './checks/drift.ts'
import { checkLogIn } from './checks/log-in.ts'
import { checkMarker } from './checks/marker.ts'
import { checkPowers, checkRights } from './checks/rights.ts'
import { checkSchema } from './checks/schema.ts'
import type { Finding } from './finding.ts'
import { inside, type ServerScope } from './scope.ts'

/** Tenants of one server that are entered at the same time. */
const AT_ONCE = 4

/**
 * Enters every tenant's database of a server, a few at a time. One that cannot be looked at is a finding; when the whole
 * server went away, the rest is left out.
 */
export async function inspectTenants(scope: ServerScope): Promise<Finding[]> {
  const findings: Finding[] = []
  const waiting = openTenants(scope).filter(({ database }) => database.connectionLimit !== 0)
  let isLost = false
  const workOff = async () => {
    for (let next = waiting.shift(); next && !isLost; next = waiting.shift()) {
      const { tenant } = next
      try {
        findings.push(...(await inspectTenant(scope, next)))
      } catch (error) {
        const isGone = databaseFault(error) === 'unavailable' && !(await answers(scope.url))
        // Another one may have found that out at the same time.
        if (isLost) return
        isLost = isGone
        const text = `could not be looked at: ${messageOf(error)}`
        findings.push(
          isLost
            ? aboutServer(scope, { code: 'server-unreachable', severity: 'error', text })
            : aboutTenant(scope, tenant, { code: 'check-failed', severity: 'error', text }),
        )
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, workOff))
  return findings
}

async function inspectTenant(scope: ServerScope, one: OpenTenant): Promise<Finding[]> {
  const { tenant } = one
  const { look, found } = await inside(scope, tenant.databaseName, async (database) => ({
    look: await lookInside(database, scope.migrations),
    found: [
      ...(await checkMarker(scope, tenant, database)),
      ...(await checkSchema(scope, tenant, database)),
      ...(await checkRights(scope, tenant, database)),
      ...(await checkPowers(scope, tenant, database)),
    ],
  }))
  const findings = [...found, ...(await checkDrift(scope, tenant, look)), ...(await checkLogIn(scope, one))]
  return findings.map((finding) => aboutTenant(scope, tenant, finding))
}

async function answers(url: string): Promise<boolean> {
  return await probeServer(url).then(
    () => true,
    () => false,
  )
}
