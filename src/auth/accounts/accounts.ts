import type { Repeats } from '../../audit/index.ts'
import type { EventEmitter, Publisher } from '../../events/index.ts'
import type { Mailer } from '../../mail/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import { createLetters } from '../emails/letters.ts'
import { createEmailService, type EmailService } from '../emails/service.ts'
import type { AuthEvents } from '../events.ts'
import type { PasswordHasher } from '../passwords/passwords.ts'
import { createPasswordService, type PasswordService } from '../passwords/service.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { createStanding, type Standing } from './standing.ts'
import { createUnlock } from './unlock.ts'

/** What people do with their accounts besides signing in. */
export interface Accounts {
  readonly passwords: PasswordService
  readonly emails: EmailService
  readonly standing: Standing
  /** What operators forgive. */
  readonly unlock: ReturnType<typeof createUnlock>
}

export interface AccountsOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly passwords: PasswordHasher
  readonly throttle: Throttle
  readonly mailer: Mailer
  readonly repeats: Repeats
  readonly events: Publisher<AuthEvents> & Pick<EventEmitter<AuthEvents>, 'on'>
}

/** Makes the services of accounts, and registers what follows from their events. */
export function createAccounts({ mailer, ...options }: AccountsOptions): Accounts {
  const letters = createLetters(mailer)
  const passwords = createPasswordService({ ...options, letters })
  const emails = createEmailService({ ...options, letters })
  const { events, tenancy } = options

  events.on('user.registered', 'verification mail', ({ payload }) => emails.greet(payload.userId))
  events.on('tenant_user.registered', 'verification mail', async ({ payload, tenantId }) => {
    if (tenantId === undefined) return
    await tenancy.withTenant(tenantId, async (tenant) => emails.greet(payload.userId, tenant))
  })
  events.on('session.reuse_detected', 'mail', async ({ payload, tenantId }) => {
    if (tenantId === undefined) return emails.tellOfReuse(payload.userId)
    await tenancy.withTenant(tenantId, async (tenant) => emails.tellOfReuse(payload.userId, tenant))
  })
  for (const name of ['password.changed', 'password.reset'] as const)
    events.on(name, 'linked sessions', async ({ payload }) => {
      if (payload.scope === 'core') await passwords.endLinkedSessions(payload.userId)
    })
  return { passwords, emails, standing: createStanding(options), unlock: createUnlock(options) }
}
