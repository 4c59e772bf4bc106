import { and, asc, eq, inArray, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { SchemaState } from '../store.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor, CoreTx, TenantStatus } from '../types.ts'

/** On whose behalf a tenant is provisioned: a request of its owner, or nobody's who waits. */
export type Claimant = 'owner' | 'reconciler'

/** A claimed provisioning: who works on it, and how often it failed before. */
export interface Claim {
  readonly tenantId: Id
  readonly serverId: Id
  readonly databaseName: string
  readonly sealedPassword: string | null
  /** What it becomes: an organization's database, or a spare. */
  readonly goal: 'active' | 'spare'
  /** Its database was ready before it was claimed: nothing but the owner is missing. */
  readonly wasSpare: boolean
  readonly token: Id
  readonly attempts: number
  readonly by: Claimant
}

/** A tenant at its birth. */
export type NewTenant = Pick<Claim, 'tenantId' | 'serverId' | 'databaseName' | 'goal' | 'token'> & {
  readonly sealedPassword: string
}

/** Claimed from birth, so that nobody takes it over before `claimSeconds` have passed. */
export async function insertTenant(core: CoreTx, tenant: NewTenant, claimSeconds: number): Promise<void> {
  const { tenantId, serverId, databaseName, goal, token, sealedPassword } = tenant
  await core.orm.insert(tenants).values({
    id: tenantId,
    serverId,
    databaseName,
    sealedPassword,
    status: UNFINISHED[goal],
    claimToken: token,
    claimedUntil: inSeconds(claimSeconds),
  })
}

/** Takes over an unfinished provisioning that nobody holds; `undefined` when somebody does, or nothing is left to do. */
export async function claimTenant(
  core: CoreExecutor,
  claim: Pick<Claim, 'tenantId' | 'token' | 'by'>,
  claimSeconds: number,
): Promise<Claim | undefined> {
  const isFree = claim.by === 'owner' ? or(isNull(tenants.claimToken), isUnclaimed()) : isUnclaimed()
  const statuses: TenantStatus[] =
    claim.by === 'owner' ? ['provisioning', 'failed'] : ['provisioning', 'preparing']
  const [row] = await core.orm
    .update(tenants)
    .set({
      status: sql`CASE ${tenants.status} WHEN 'preparing' THEN 'preparing' ELSE 'provisioning' END`,
      claimToken: claim.token,
      claimedUntil: inSeconds(claimSeconds),
    })
    .where(and(eq(tenants.id, claim.tenantId), inArray(tenants.status, statuses), isFree))
    .returning({ ...CLAIMED, status: tenants.status })
  if (!row) return undefined
  const { status, ...claimed } = row
  return { ...claim, ...claimed, goal: status === 'preparing' ? 'spare' : 'active', wasSpare: false }
}

/** Shows that the one who works on a provisioning is alive. */
export async function prolongClaim(core: CoreExecutor, claim: Claim, claimSeconds: number): Promise<boolean> {
  const rows = await core.orm
    .update(tenants)
    .set({ claimedUntil: inSeconds(claimSeconds) })
    .where(and(isHeldBy(claim), WITHOUT_WAITING_FOR_DISK))
    .returning({ id: tenants.id })
  return rows.length === 1
}

/** Notes whether the owner has heard that a tenant is ready: one who has not, and asks again, gets that one. */
export async function noteAnnounced(core: CoreExecutor, id: Id, isAnnounced: boolean): Promise<void> {
  await core.orm.update(tenants).set({ isUnannounced: !isAnnounced }).where(eq(tenants.id, id))
}

/** Active tenants whose news is due since `seconds` at least: who finished them died before telling. */
export async function listDueEvents(core: CoreExecutor, seconds: number, limit: number): Promise<Id[]> {
  const rows = await core.orm
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(tenants.isCreatedEventDue, lt(tenants.updatedAt, inSeconds(-seconds))))
    .orderBy(asc(tenants.id))
    .limit(limit)
  return rows.map((row) => row.id)
}

/** Notes that the handlers of `organization.created` were called. */
export async function settleCreatedEvent(core: CoreExecutor, id: Id): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ isCreatedEventDue: false })
    .where(and(eq(tenants.id, id), WITHOUT_WAITING_FOR_DISK))
}

/**
 * Unfinished provisionings that nobody holds, the longest waiting first.
 *
 * @param limit for each server, so that those of one that is down keep no other's waiting
 */
export async function listUnclaimed(core: CoreExecutor, limit: number): Promise<{ id: Id; serverId: Id }[]> {
  const { id, serverId, claimedUntil, status } = tenants
  const waiting = core.orm
    .select({
      id,
      serverId,
      claimedUntil,
      turn: sql<number>`row_number() OVER (PARTITION BY ${serverId} ORDER BY ${claimedUntil})`.as('turn'),
    })
    .from(tenants)
    .where(and(inArray(status, ['provisioning', 'preparing']), isUnclaimed()))
    .as('waiting')
  return await core.orm
    .select({ id: waiting.id, serverId: waiting.serverId })
    .from(waiting)
    .where(lte(waiting.turn, limit))
    .orderBy(asc(waiting.claimedUntil))
}

/**
 * Records a completed step and prolongs the claim. False when the claim is somebody else's by now. A crash may lose the
 * record, and then the step is done once more.
 */
export async function recordStep(
  core: CoreExecutor,
  claim: Claim,
  step: string,
  claimSeconds: number,
): Promise<boolean> {
  const rows = await core.orm
    .update(tenants)
    .set({ provisioningStep: step, claimedUntil: inSeconds(claimSeconds), updatedAt: sql`now()` })
    .where(and(isHeldBy(claim), WITHOUT_WAITING_FOR_DISK))
    .returning({ id: tenants.id })
  return rows.length === 1
}

/**
 * The one place where a tenant becomes active, or a spare ready. The news of an active one is due from the same moment
 * on. False when the claim is somebody else's by now.
 */
export async function finishTenant(core: CoreExecutor, claim: Claim, schema: SchemaState): Promise<boolean> {
  const isActive = claim.goal === 'active'
  const rows = await core.orm
    .update(tenants)
    .set({
      status: claim.goal,
      // A spare that was claimed keeps what it was made or migrated with.
      ...(claim.wasSpare ? {} : schema),
      ...(isActive && claim.by === 'reconciler' && { isUnannounced: true }),
      isCreatedEventDue: isActive,
      provisioningStep: isActive ? 'activate' : 'spare',
      provisioningAttempts: 0,
      lastError: null,
      claimToken: null,
      claimedUntil: null,
      updatedAt: sql`now()`,
    })
    .where(isHeldBy(claim))
    .returning({ id: tenants.id })
  return rows.length === 1
}

/** What is recorded of a failed try. */
export interface Failure {
  readonly isFinal: boolean
  readonly attempts: number
  readonly message: string
  readonly retrySeconds: number
}

/** Gives the claim back after a failure; nobody takes it up again before `retrySeconds` have passed. False when it is held no more. */
export async function recordFailure(core: CoreExecutor, claim: Claim, failure: Failure): Promise<boolean> {
  const rows = await core.orm
    .update(tenants)
    .set({
      status: failure.isFinal ? 'failed' : UNFINISHED[claim.goal],
      provisioningAttempts: failure.attempts,
      lastError: failure.message,
      claimToken: null,
      claimedUntil: inSeconds(failure.retrySeconds),
      updatedAt: sql`now()`,
    })
    .where(isHeldBy(claim))
    .returning({ id: tenants.id })
  return rows.length === 1
}

/** Notes that the owner has not heard of a tenant that became active, though the answer to that was lost. */
export async function noteUnheard(core: CoreExecutor, { tenantId }: Claim): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ isUnannounced: true })
    .where(and(eq(tenants.id, tenantId), eq(tenants.status, 'active')))
}

const UNFINISHED = { active: 'provisioning', spare: 'preparing' } as const

/** What a claim needs of the row that it took. */
export const CLAIMED = {
  tenantId: tenants.id,
  serverId: tenants.serverId,
  databaseName: tenants.databaseName,
  sealedPassword: tenants.sealedPassword,
  attempts: tenants.provisioningAttempts,
}

/**
 * A condition that is always true and lets its statement's commit return before the disk has it (about 5 ms each).
 *
 * @see https://www.postgresql.org/docs/current/wal-async-commit.html
 */
const WITHOUT_WAITING_FOR_DISK = sql`set_config('synchronous_commit', 'off', true) = 'off'`

/** An expression that does the same for the rest of its transaction, in rows for which `condition` holds. */
export function relaxCommitWhere(condition: SQL): SQL {
  return sql`CASE WHEN ${condition} THEN set_config('synchronous_commit', 'off', true) END`
}

/** Lets the transaction's commit return before the disk has it. */
export async function withoutWaitingForDisk(core: CoreTx): Promise<void> {
  await core.orm.execute(sql`SELECT set_config('synchronous_commit', 'off', true)`)
}

/** The database's clock decides about claims, because the processes' clocks may differ. */
export function inSeconds(seconds: number): SQL {
  return sql`now() + make_interval(secs => ${seconds})`
}

function isUnclaimed(): SQL | undefined {
  return or(isNull(tenants.claimedUntil), lt(tenants.claimedUntil, sql`now()`))
}

function isHeldBy(claim: Claim): SQL | undefined {
  return and(eq(tenants.id, claim.tenantId), eq(tenants.claimToken, claim.token))
}
