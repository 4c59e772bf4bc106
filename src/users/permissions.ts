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
  /** Apart from the above, because it lets somebody in for good. */
  'members.reactivate': ADMINS,
  'members.role': ADMINS,
  'invitations.manage': ADMINS,
  'audit.read': ADMINS,
  'impersonations.read': ADMINS,
  'impersonations.end': ADMINS,
  'api_keys.manage': ADMINS,
  /** Lets a directory of people, such as that of an identity provider, keep this one like itself. */
  'directory.provision': ADMINS,
} as const satisfies Readonly<Record<string, readonly TenantRole[]>>

export type Permission = keyof typeof TABLE

/**
 * Whether an administrator of the platform may do it as a user. Refused is what is the user's own, and what gives power or
 * access that outlives the impersonation. What is not listed is refused, and without a decision it does not compile.
 */
const UNDER_IMPERSONATION: Readonly<Record<Permission, boolean>> = {
  'profile.read': true,
  'profile.write': true,
  'sessions.own': false,
  'account.own': false,
  'organization.read': true,
  'organization.policy': false,
  'organization.sso': false,
  'organization.transfer': false,
  'members.read': true,
  'members.manage': true,
  'members.reactivate': false,
  'members.role': false,
  'invitations.manage': false,
  'audit.read': true,
  'impersonations.read': true,
  'impersonations.end': false,
  'api_keys.manage': false,
  'directory.provision': false,
}

const FOR_IMPERSONATORS: ReadonlySet<string> = new Set(
  Object.entries(UNDER_IMPERSONATION).flatMap(([permission, isAllowed]) => (isAllowed ? [permission] : [])),
)

/** Permission -> the roles that have it. */
export const PERMISSIONS: ReadonlyMap<string, readonly TenantRole[]> = new Map(Object.entries(TABLE))

/** Whether a role has a permission; nobody has one that the table does not know. */
export function isPermitted(role: TenantRole, permission: string): boolean {
  return PERMISSIONS.get(permission)?.includes(role) ?? false
}

/** Whether who acts as a user may use a permission of that user. */
export function isPermittedUnderImpersonation(permission: string): boolean {
  return FOR_IMPERSONATORS.has(permission)
}

/**
 * What an API key may be given. The others are a person's own affairs, or would let a machine outlive its maker: by
 * keys that make keys. Owners and admins it makes none either, as that wants a recent proof.
 */
const FOR_KEYS: readonly Permission[] = [
  'profile.read',
  'organization.read',
  'organization.policy',
  'members.read',
  'members.manage',
  'members.reactivate',
  'members.role',
  'invitations.manage',
  'audit.read',
  'directory.provision',
]
const GRANTABLE: ReadonlySet<string> = new Set(FOR_KEYS)

/** Whether an API key may have a permission, whoever makes it. */
export function isGrantable(permission: string): boolean {
  return GRANTABLE.has(permission)
}
