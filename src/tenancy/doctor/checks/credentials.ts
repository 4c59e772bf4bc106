import { findPassword, isPasswordLocked } from '../../credentials/store.ts'
import { SealedElsewhereError } from '../../credentials/vault.ts'
import { aboutServer, aboutTenant, completeTenants } from '../about.ts'
import type { Finding } from '../finding.ts'
import { giveCredentials, remakeRole } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import type { TenantRow } from '../store.ts'

/** What is stored of tenants' passwords; whether the server takes them is seen by logging in. */
export async function checkCredentials(scope: ServerScope): Promise<Finding[]> {
  const complete = completeTenants(scope)
  const sealed = complete.filter(({ sealedPassword }) => sealedPassword !== null)
  const unreadable = sealed.filter((tenant) => !canOpen(scope, tenant))
  const unfinished = sealed.filter((tenant) => tenant.sealedPreviousPassword !== null)
  const rotations: Finding[] = []
  for (const tenant of unfinished)
    if (await isInterrupted(scope, tenant)) rotations.push(interrupted(scope, tenant))
  return [
    ...complete
      .filter(({ sealedPassword }) => sealedPassword === null)
      .map((tenant) => missing(scope, tenant)),
    ...(unreadable.length > 1 && unreadable.length === sealed.length
      ? [wrongSecret(scope, unreadable.length)]
      : unreadable.map((tenant) => unreadableFor(scope, tenant))),
    ...rotations,
  ]
}

/** False when the platform's secret is not the one with which its password was sealed. */
export function canOpen({ vault }: ServerScope, { id, sealedPassword }: TenantRow): boolean {
  if (sealedPassword === null) return false
  try {
    vault.open(id, sealedPassword)
    return true
  } catch (error) {
    if (error instanceof SealedElsewhereError) return false
    throw error
  }
}

/** A rotation that somebody is at has the lock; one that ended meanwhile left nothing behind. */
async function isInterrupted({ core }: ServerScope, { id }: TenantRow): Promise<boolean> {
  if (await isPasswordLocked(core, id)) return false
  return (await findPassword(core, id))?.sealedPreviousPassword !== null
}

function missing(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'credentials-missing',
    severity: 'error',
    text: 'no password is recorded for its role',
    mend: () => giveCredentials(scope, tenant.id),
  })
}

function interrupted(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'rotation-unfinished',
    severity: 'warning',
    text: 'a change of its password was interrupted; it works with either',
    mend: () => remakeRole(scope, tenant.id),
  })
}

function wrongSecret(scope: ServerScope, count: number): Finding {
  const text = `none of ${count} passwords opens: TENANTRY_SECRET must be the one that the servers run with`
  return aboutServer(scope, { code: 'secret-wrong', severity: 'error', text })
}

/** The secret may be the wrong one just here, and then a new password would lock everybody else out: a person decides. */
function unreadableFor(scope: ServerScope, tenant: TenantRow): Finding {
  return aboutTenant(scope, tenant, {
    code: 'secret-wrong',
    severity: 'error',
    text: 'its password was sealed with another secret, or changed',
    statement: `UPDATE tenants SET sealed_password = NULL, sealed_previous_password = NULL WHERE id = '${tenant.id}';`,
  })
}
