import { and, desc, eq, gt, isNull, lt, lte, type SQL, sql } from 'drizzle-orm'
import { type Id, violates } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantUser, tenantUsers, userErrors } from '../../users/index.ts'
import { invitationErrors } from './errors.ts'
import { type INVITED_ROLES, invitations } from './tables.ts'

export type InvitedRole = (typeof INVITED_ROLES)[number]
export const INVITATION_STATUSES = ['pending', 'expired', 'accepted', 'revoked'] as const
export type InvitationStatus = (typeof INVITATION_STATUSES)[number]

const STATUS = sql<InvitationStatus>`case when ${invitations.acceptedAt} is not null then 'accepted'
  when ${invitations.revokedAt} is not null then 'revoked'
  when ${invitations.expiresAt} <= now() then 'expired' else 'pending' end`

const { id, email, role, invitedBy, expiresAt, createdAt } = invitations
const INVITATION = { id, email, role, invitedBy, expiresAt, createdAt, status: STATUS }

/** Neither accepted nor revoked; it may have run out. */
const OPEN = and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt))

/** An invitation as those who manage them see it. */
export interface Invitation {
  readonly id: Id
  readonly email: string
  readonly role: InvitedRole
  readonly invitedBy: Id | null
  readonly expiresAt: Date
  readonly createdAt: Date
  readonly status: InvitationStatus
}

function inHours(hours: number): SQL {
  return sql`now() + make_interval(hours => ${hours})`
}

/** @throws invitationErrors.invitationPending when the address has an open one that did not run out */
export async function insertInvitation(
  tx: TenantTx,
  invitation: { id: Id; email: string; role: InvitedRole; tokenHash: string; invitedBy: Id },
  hours: number,
): Promise<Invitation> {
  await tx.orm
    .update(invitations)
    .set({ revokedAt: sql`now()`, updatedAt: sql`now()` })
    .where(and(eq(invitations.email, invitation.email), OPEN, lte(invitations.expiresAt, sql`now()`)))
  const [row] = await tx.orm
    .insert(invitations)
    .values({ ...invitation, expiresAt: inHours(hours) })
    .returning(INVITATION)
    .catch((error: unknown) => {
      const isPending = violates(error, 'invitations_open_email_key')
      throw isPending ? invitationErrors.invitationPending({ cause: error }) : error
    })
  if (!row) throw new Error('an insert returned no row')
  return row
}

export async function findInvitation(tenant: TenantExecutor, wanted: Id): Promise<Invitation | undefined> {
  const [row] = await tenant.orm.select(INVITATION).from(invitations).where(eq(id, wanted))
  return row
}

/** The invitation that a token is good for; `undefined` when it is good for none. */
export async function findByToken(
  tenant: TenantExecutor,
  tokenHash: string,
): Promise<Invitation | undefined> {
  const [row] = await tenant.orm.select(INVITATION).from(invitations).where(isGood(tokenHash))
  return row
}

/** Newest first. */
export async function listInvitations(
  tenant: TenantExecutor,
  status: InvitationStatus | undefined,
  after: Id | undefined,
  limit: number,
): Promise<Invitation[]> {
  return await tenant.orm
    .select(INVITATION)
    .from(invitations)
    .where(and(after === undefined ? undefined : lt(id, after), status && eq(STATUS, status)))
    .orderBy(desc(id))
    .limit(limit)
}

/** Gives an open invitation another token and a new end; false when it is settled. The token before is worth nothing. */
export async function renewInvitation(
  tenant: TenantExecutor,
  wanted: Id,
  tokenHash: string,
  hours: number,
): Promise<boolean> {
  const rows = await tenant.orm
    .update(invitations)
    .set({ tokenHash, expiresAt: inHours(hours), updatedAt: sql`now()` })
    .where(and(eq(id, wanted), OPEN))
    .returning({ id })
  return rows.length > 0
}

/** False when it is settled. */
export async function revokeInvitation(tenant: TenantExecutor, wanted: Id): Promise<boolean> {
  const rows = await revoke(tenant, eq(id, wanted))
  return rows.length > 0
}

/** What somebody promised who may not promise anything any more. */
export async function revokeInvitationsOf(tx: TenantTx, inviter: Id): Promise<void> {
  await revoke(tx, eq(invitedBy, inviter))
}

/** Uses a token up. Of several at once one gets the invitation, the others wait for it and get `undefined`. */
export async function consumeInvitation(tx: TenantTx, tokenHash: string): Promise<Invitation | undefined> {
  const [row] = await tx.orm
    .update(invitations)
    .set({ acceptedAt: sql`now()`, updatedAt: sql`now()` })
    .where(isGood(tokenHash))
    .returning(INVITATION)
  return row
}

export async function isMember(tenant: TenantExecutor, address: string): Promise<boolean> {
  const rows = await tenant.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(eq(tenantUsers.email, address))
  return rows.length > 0
}

/**
 * Makes the invited one a member. The address is theirs: the token came there.
 *
 * @throws userErrors.emailTaken also when the platform user is a member under another address
 */
export async function insertInvited(
  tx: TenantTx,
  member: {
    id: Id
    email: string
    fullName: string | null
    role: InvitedRole
    coreUserId: Id | null
    passwordHash: string | null
  },
): Promise<TenantUser> {
  const [row] = await tx.orm
    .insert(tenantUsers)
    .values({ ...member, emailVerifiedAt: sql`now()` })
    .returning()
    .catch((error: unknown) => {
      const isTaken = violates(error, 'users_email_key') || violates(error, 'users_core_user_id_key')
      throw isTaken ? userErrors.emailTaken({ cause: error }) : error
    })
  if (!row) throw new Error('an insert returned no row')
  const { passwordHash: _, ...user } = row
  return user
}

function isGood(tokenHash: string): SQL | undefined {
  return and(eq(invitations.tokenHash, tokenHash), OPEN, gt(invitations.expiresAt, sql`now()`))
}

async function revoke(tenant: TenantExecutor, which: SQL) {
  return await tenant.orm
    .update(invitations)
    .set({ revokedAt: sql`now()`, updatedAt: sql`now()` })
    .where(and(which, OPEN))
    .returning({ id })
}
