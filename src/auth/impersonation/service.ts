import { recordAudit, recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Mailer } from '../../mail/index.ts'
import { findPolicy, holdPolicy, type Policy } from '../../organizations/index.ts'
import { type Id, type Logger, newId } from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../../tenancy/index.ts'
import type { TenantUser } from '../../users/index.ts'
import type { AuthEvents } from '../events.ts'
import type { CorePrincipal } from '../guards.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import type { Origin } from '../sessions/origin.ts'
import { createEndings, type ImpersonationEndings } from './endings.ts'
import { ended, started } from './entries.ts'
import { impersonationErrors } from './errors.ts'
import { tellOwners } from './letter.ts'
import {
  endImpersonation,
  findTarget,
  holdTarget,
  type ImpersonationRow,
  insertActedSession,
  insertImpersonation,
  listOwnerAddresses,
} from './store.ts'

/** As whom an administrator wants to act, and how. */
export interface Wish {
  /** The tenant user, by id or by canonical e-mail address. */
  readonly who: { readonly userId: Id } | { readonly email: string }
  readonly reason: string
  readonly isReadOnly: boolean
  readonly minutes: number
}

export interface Started {
  readonly impersonation: ImpersonationRow
  readonly user: TenantUser
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
}

/** Lets administrators of the platform act as users of organizations. */
export interface Impersonations extends ImpersonationEndings {
  /**
   * Begins one, with a session of the user that nothing refreshes.
   *
   * @throws httpErrors.notFound, impersonationErrors, tenancyErrors
   */
  start(admin: CorePrincipal, organizationId: Id, wish: Wish, origin: Origin): Promise<Started>
}

export interface ImpersonationOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'enter' | 'withTenant'>
  readonly tokens: Pick<AccessTokens, 'issue'>
  readonly mailer: Mailer
  readonly events: Publisher<AuthEvents>
  readonly log: Logger
}

export function createImpersonations(options: ImpersonationOptions): Impersonations {
  const { core, tenancy, tokens, mailer, events } = options

  return {
    ...createEndings(options),
    start: async (admin, organizationId, wish, origin) => {
      const tenant = await tenancy.enter(organizationId)
      const target = await findTarget(tenant, wish.who)
      if (!target) throw httpErrors.notFound({ detail: 'This organization has no such user.' })
      if (!target.isActive) throw impersonationErrors.impersonatedInactive()
      requireAllowed(await findPolicy(tenant))
      const impersonation = await note(core, admin, organizationId, target.id, wish)
      const { user, secondsLeft } = await open(core, tenant, impersonation, wish.minutes, origin)
      const { id, adminId, userId, isReadOnly } = impersonation
      const payload = { impersonationId: id, userId, adminId, isReadOnly }
      events.publish('impersonation.started', payload, organizationId)
      tellOwners(mailer, organizationId, await listOwnerAddresses(tenant))
      const subject = { audience: 'tenant', userId, sessionId: id, tenantId: organizationId } as const
      const accessToken = await tokens.issue({ ...subject, actorId: adminId }, secondsLeft)
      return { impersonation, user, accessToken, expiresIn: secondsLeft }
    },
  }
}

/** First the platform knows of it. A process that dies behind this leaves one that nobody has a token of. */
async function note(
  core: CoreDb,
  { user, sessionId }: CorePrincipal,
  organizationId: Id,
  userId: Id,
  { reason, isReadOnly, minutes }: Wish,
): Promise<ImpersonationRow> {
  return await core.transaction(async (tx) => {
    const who = { id: newId(), organizationId, userId, adminId: user.id, coreSessionId: sessionId }
    const row = await insertImpersonation(tx, { ...who, reason, isReadOnly }, minutes)
    await recordAuditLast(tx, started(row, minutes))
    return row
  })
}

/** Then the organization. It looks again, behind locks: whoever forbids it, or deactivates the user, ends this one too. */
async function open(
  core: CoreDb,
  tenant: TenantDb,
  row: ImpersonationRow,
  minutes: number,
  origin: Origin,
): Promise<{ user: TenantUser; secondsLeft: number }> {
  try {
    return await tenant.transaction(async (tx) => {
      requireAllowed(await holdPolicy(tx))
      const user = await holdTarget(tx, row.userId)
      if (!user) throw impersonationErrors.impersonatedInactive()
      const secondsLeft = await insertActedSession(tx, row, origin)
      await recordAuditLast(tx, started(row, minutes))
      return { user, secondsLeft }
    })
  } catch (error) {
    // Also where nobody knows whether it was committed.
    await core.transaction(async (tx) => {
      const refused = await endImpersonation(tx, row.id, 'refused')
      if (refused) await recordAudit(tx, ended(refused, { kind: 'system' }, 'refused'))
    })
    throw error
  }
}

function requireAllowed({ isImpersonationAllowed }: Policy): void {
  if (!isImpersonationAllowed) throw impersonationErrors.impersonationForbidden()
}
