import type { AppError } from '../../platform/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { ssoAudit } from '../audit.ts'
import type { SignInOptions } from './options.ts'

/** Records that a sign-in failed which really was begun here, for those who run the organization. */
export function noteFailure({ repeats }: SignInOptions, tenant: TenantDb, { code }: AppError): void {
  repeats.note(tenant, `sso ${tenant.tenantId} ${code}`, (attempts) =>
    ssoAudit('sso.sign_in_failed', {
      actor: { kind: 'user' },
      target: { kind: 'organization', id: tenant.tenantId },
      outcome: 'failure',
      details: { attempts, reason: code },
    }),
  )
}
