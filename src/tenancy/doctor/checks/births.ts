import { aboutTenant } from '../about.ts'
import type { Finding } from '../finding.ts'
import { takeUp } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** The worker of any process takes up what nobody holds within seconds. */
const OVERDUE_MS = 30_000

/** Provisionings that gave up, fail again and again, or that nobody takes up. */
export function checkBirths(scope: ServerScope): Finding[] {
  return scope.laterTenants.flatMap((tenant) => {
    const mend = () => takeUp(scope, tenant.id)
    if (tenant.status === 'failed')
      return aboutTenant(scope, tenant, {
        code: 'provisioning-failed',
        severity: 'error',
        text: `its making was given up: ${tenant.lastError ?? 'nobody knows why'}`,
        mend,
      })
    const problem = problemOf(tenant, scope.now)
    return problem === undefined
      ? []
      : aboutTenant(scope, tenant, { code: 'provisioning-stuck', severity: 'warning', text: problem, mend })
  })
}

function problemOf(tenant: TenantRow, now: Date): string | undefined {
  const { status, claimToken, claimedUntil, lastError, provisioningAttempts } = tenant
  if (status !== 'provisioning' && status !== 'preparing') return undefined
  const overdue = now.getTime() - (claimedUntil?.getTime() ?? 0)
  if (overdue > OVERDUE_MS) return 'its making was interrupted and nobody took it up: does a worker run?'
  if (claimToken === null && provisioningAttempts > 0)
    return `its making failed ${provisioningAttempts} times and is tried again: ${lastError ?? ''}`
  return undefined
}
