import type { TENANT_ROLES } from './tables.ts'

export type TenantRole = (typeof TENANT_ROLES)[number]

const EVERYBODY = ['owner', 'admin', 'member'] as const
const ADMINS = ['owner', 'admin'] as const
const OWNERS = ['owner'] as const

/**
 * Who may do what in an organization: every route behind a tenant token names one of these, and what is not listed is
 * refused. Members do not see each other: where registration is open, any stranger is a member.
 */
const TABLE = {
  'profile.read': EVERYBODY,
  'profile.write': EVERYBODY,
  'sessions.own': EVERYBODY,
  'account.own': EVERYBODY,
  'organization.read': EVERYBODY,
  'organization.policy': ADMINS,
  'organization.sso': ADMINS,
  'organization.transfer': OWNERS,
  'members.read': ADMINS,
  'members.manage': ADMINS,
  'members.role': ADMINS,
  'invitations.manage': ADMINS,
  'audit.read': ADMINS,
} as const satisfies Readonly<Record<string, readonly TenantRole[]>>

export type Permission = keyof typeof TABLE

/** Permission -> the roles that have it. */
export const PERMISSIONS: ReadonlyMap<string, readonly TenantRole[]> = new Map(Object.entries(TABLE))

/** Whether a role has a permission; nobody has one that the table does not know. */
export function isPermitted(role: TenantRole, permission: string): boolean {
  return PERMISSIONS.get(permission)?.includes(role) ?? false
}
