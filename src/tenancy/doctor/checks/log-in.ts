import {
  closeConnection,
  connect,
  postgresError,
  REQUEST_TIMEOUTS,
  SQLSTATE,
  withCredentials,
  withDatabase,
} from '../../../platform/index.ts'
import { createLogIn, type OpenAs } from '../../credentials/log-in.ts'
import { findTenant } from '../../store.ts'
import type { OpenTenant } from '../about.ts'
import type { TenantFinding } from '../finding.ts'
import { remakeRole } from '../mend.ts'
import type { ServerScope } from '../scope.ts'
import { canOpen } from './credentials.ts'

/** Whether a tenant's role gets in with the password that is recorded, as its requests do. */
export async function checkLogIn(
  scope: ServerScope,
  { tenant, database }: OpenTenant,
): Promise<TenantFinding[]> {
  const { core, vault, roles, url } = scope
  const role = roles.get(tenant.databaseName)
  const isAdmitted = database.isPublic || database.admitted.includes(tenant.databaseName)
  // What is wrong there has findings of its own.
  if (!role?.mayLogIn || !isAdmitted || !canOpen(scope, tenant)) return []
  const logIn = createLogIn({ vault, reload: (id) => findTenant(core, id) })
  const open: OpenAs = (name, password) =>
    connect({
      url: withCredentials(withDatabase(url, tenant.databaseName), name, password),
      applicationName: 'tenantry doctor',
      timeouts: REQUEST_TIMEOUTS,
    })
  try {
    await closeConnection(await logIn(tenant, open))
    return []
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.invalidPassword) throw error
    return [
      {
        code: 'password-wrong',
        severity: 'error',
        text: 'the server refuses the password that is recorded for its role',
        mend: () => remakeRole(scope, tenant.id),
      },
    ]
  }
}
