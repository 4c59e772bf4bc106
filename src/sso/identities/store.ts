import { and, eq, getTableColumns, isNull, ne, notExists } from 'drizzle-orm'
import { secondFactors } from '../../auth/index.ts'
import type { Id } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantUser, tenantUsers } from '../../users/index.ts'
import { ssoIdentities } from '../tables.ts'

/** Who somebody is at a provider. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
}

const { passwordHash: _, ...TENANT_USER } = getTableColumns(tenantUsers)

/** The member to whom an identity belongs. */
export async function findMemberOf(
  tenant: TenantExecutor,
  { issuer, subject }: Identity,
): Promise<TenantUser | undefined> {
  const [row] = await tenant.orm
    .select(TENANT_USER)
    .from(ssoIdentities)
    .innerJoin(tenantUsers, eq(tenantUsers.id, ssoIdentities.userId))
    .where(and(eq(ssoIdentities.issuer, issuer), eq(ssoIdentities.subject, subject)))
  return row
}

/** Gives an identity to a member; says `false` where somebody has it. */
export async function insertIdentity(
  tx: TenantTx,
  { issuer, subject }: Identity,
  userId: Id,
): Promise<boolean> {
  const rows = await tx.orm
    .insert(ssoIdentities)
    .values({ issuer, subject, userId })
    .onConflictDoNothing()
    .returning({ userId: ssoIdentities.userId })
  return rows.length > 0
}

/**
 * A member whom the organization made and who never had a way in: without a password, a platform account, a factor (passkeys are
 * some) or an identity. Nobody else takes the first identity before the transaction ends.
 *
 * @param email canonical
 */
export async function holdProvisioned(tx: TenantTx, email: string): Promise<TenantUser | undefined> {
  const ofUser = (table: typeof ssoIdentities | typeof secondFactors) =>
    tx.orm.select({ userId: table.userId }).from(table).where(eq(table.userId, tenantUsers.id))
  // Locked first: who waits here must look at identities after that, and not with a snapshot from before.
  await tx.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(eq(tenantUsers.email, email))
    .for('update')
  const [row] = await tx.orm
    .select(TENANT_USER)
    .from(tenantUsers)
    .where(
      and(
        eq(tenantUsers.email, email),
        isNull(tenantUsers.passwordHash),
        isNull(tenantUsers.coreUserId),
        ne(tenantUsers.role, 'owner'),
        notExists(ofUser(ssoIdentities)),
        notExists(ofUser(secondFactors)),
      ),
    )
  return row
}

export async function isMemberAddress(tenant: TenantExecutor, email: string): Promise<boolean> {
  const rows = await tenant.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(eq(tenantUsers.email, email))
  return rows.length > 0
}
