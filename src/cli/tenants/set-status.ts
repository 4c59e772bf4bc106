import { recordAudit } from '../../audit/index.ts'
import { organizationAudit } from '../../organizations/index.ts'
import { setTenantStatus } from '../../tenancy/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { findNamed } from './find.ts'

const CHANGE = {
  suspend: { from: 'active', to: 'suspended', action: 'organization.suspended' },
  resume: { from: 'suspended', to: 'active', action: 'organization.resumed' },
} as const

/** Suspends a tenant or lets its people in again; where that is done already, nothing changes. */
export async function changeStatus(
  { output }: CommandContext,
  databases: Databases,
  verb: keyof typeof CHANGE,
  id: string,
): Promise<ExitCode> {
  const { from, to, action } = CHANGE[verb]
  const { id: tenantId } = await findNamed(databases, id)
  const hasChanged = await databases.core.transaction(async (tx) => {
    if (!(await setTenantStatus(tx, tenantId, from, to))) return false
    const target = { kind: 'organization', id: tenantId }
    await recordAudit(tx, organizationAudit(action, { actor: { kind: 'operator' }, target }))
    return true
  })
  const { status } = await findNamed(databases, id)
  if (status !== to) {
    output.note(`Tenant ${id} is ${status}; only an ${from} one can be ${to}.`.replace('an s', 'a s'))
    return EXIT.failed
  }
  output.data({ id, status, changed: hasChanged }, `${id}: ${hasChanged ? 'now' : 'was already'} ${status}`)
  return EXIT.done
}
