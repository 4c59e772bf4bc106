import type { Id } from '../../platform/index.ts'

/** `info` is worth knowing and needs nothing done. */
export type Severity = 'error' | 'warning' | 'info'

/** What is wrong; stable, for scripts. */
export const FINDING_CODES = [
  'check-failed',
  'connect-missing',
  'credentials-missing',
  'database-closed',
  'database-half-dropped',
  'database-limit',
  'database-missing',
  'database-unknown',
  'database-without-tenant',
  'group-role-missing',
  'mark-foreign',
  'mark-missing',
  'marker-foreign',
  'marker-missing',
  'other-installation',
  'other-role-connects',
  'owner-wrong',
  'password-wrong',
  'platform-role',
  'provisioning-failed',
  'provisioning-stuck',
  'public-connect',
  'rights-wrong',
  'role-missing',
  'role-powerful',
  'role-without-tenant',
  'role-wrong',
  'rotation-unfinished',
  'schema-behind',
  'schema-differs',
  'schema-drifted',
  'secret-wrong',
  'server-unfit',
  'server-unreachable',
  'spare-outdated',
  'template-half-built',
  'template-superseded',
] as const

export type FindingCode = (typeof FINDING_CODES)[number]

/** One difference between what is recorded and what is there. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** The server's name. */
  readonly server: string
  readonly tenantId?: Id
  /** The database or role that it is about, or the server's name. */
  readonly subject: string
  readonly text: string
  /** What an administrator may run, where the platform's role may not or should not. */
  readonly statement?: string
  /** Puts it right; can be called again. Throws when it cannot, having changed nothing that is not ours. */
  readonly mend?: () => Promise<void>
}

/** A finding about one tenant's database or role. */
export type TenantFinding = Omit<Finding, 'server' | 'tenantId' | 'subject'>

/** Two looks at the same thing find the same key. */
export function keyOf({ code, server, subject, tenantId = '' }: Finding): string {
  return [code, server, subject, tenantId].join(' ')
}
