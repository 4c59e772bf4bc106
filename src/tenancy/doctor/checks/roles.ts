import { quoteIdentifier } from '../../../platform/index.ts'
import { EXPECTED_SETTINGS, ensureGroupRole } from '../../roles/store.ts'
import { aboutServer, aboutTenant, completeTenants } from '../about.ts'
import type { Finding, TenantFinding } from '../finding.ts'
import { remakeRole } from '../mend.ts'
import { onServer, type ServerScope } from '../scope.ts'
import type { RoleFacts } from '../store.ts'
import { amount, isTighter } from './databases.ts'

/** The login roles of complete tenants, and the group that gives them their rights. */
export function checkRoles(scope: ServerScope): Finding[] {
  const complete = completeTenants(scope)
  const ofTenants = complete.flatMap((tenant) => {
    const role = scope.roles.get(tenant.databaseName)
    const mend = () => remakeRole(scope, tenant.id)
    if (!role) {
      const text = 'its login role does not exist'
      return aboutTenant(scope, tenant, { code: 'role-missing', severity: 'error', text, mend })
    }
    return problemsOf(scope, role, mend).map((problem) => aboutTenant(scope, tenant, problem))
  })
  return complete.length > 0 ? [...checkGroup(scope), ...ofTenants] : ofTenants
}

function checkGroup(scope: ServerScope): Finding[] {
  const group = scope.roles.get(scope.group)
  const about = (finding: TenantFinding) => aboutServer(scope, finding, scope.group)
  if (!group)
    return [
      about({
        code: 'group-role-missing',
        severity: 'error',
        text: 'the role through which tenants get their rights does not exist',
        mend: () => onServer(scope, (server) => ensureGroupRole(server, scope.group)),
      }),
    ]
  const extra = [...(group.mayLogIn ? ['LOGIN'] : []), ...group.powers]
  return extra.length > 0 ? [about(tooPowerful(group.name, extra))] : []
}

function problemsOf(scope: ServerScope, role: RoleFacts, mend: () => Promise<void>): TenantFinding[] {
  const problems: TenantFinding[] = []
  const wrong = (severity: TenantFinding['severity'], text: string) =>
    problems.push({ code: 'role-wrong', severity, text, mend })

  if (!role.mayLogIn) wrong('error', 'its role may not log in')
  if (role.expires) wrong('error', 'the password of its role has a last day')
  if (!role.inherits || !role.groups.includes(scope.group))
    wrong('error', `its role has not the rights of ${scope.group}`)
  if (role.connectionLimit !== scope.connectionLimit)
    wrong(
      isTighter(role.connectionLimit, scope.connectionLimit) ? 'warning' : 'info',
      `its role takes ${amount(role.connectionLimit)}, and should take ${scope.connectionLimit}`,
    )
  const settings = new Set(role.settings.map((setting) => setting.toLowerCase()))
  const lacking = EXPECTED_SETTINGS.filter((setting) => !settings.has(setting))
  if (lacking.length > 0) wrong('warning', `its role lacks the settings ${lacking.join(', ')}`)
  if (role.powers.length > 0) problems.push(tooPowerful(role.name, role.powers))
  for (const other of role.groups.filter((name) => name !== scope.group))
    problems.push({
      code: 'role-powerful',
      severity: 'error',
      text: `its role is a member of ${other}`,
      statement: `REVOKE ${quoteIdentifier(other)} FROM ${quoteIdentifier(role.name)};`,
    })
  return problems
}

function tooPowerful(name: string, powers: readonly string[]): TenantFinding {
  return {
    code: 'role-powerful',
    severity: 'error',
    text: `the role has ${powers.join(', ')}, which is not for tenants`,
    statement: `ALTER ROLE ${quoteIdentifier(name)} ${powers.map((power) => `NO${power}`).join(' ')};`,
  }
}
