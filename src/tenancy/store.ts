import { and, asc, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import { type Connection, type Id, quoteIdentifier, quoteLiteral } from '../platform/index.ts'
import { installation, tenantIdentity, tenants } from './tables.ts'
import type { CoreExecutor, TenantExecutor, TenantRecord, TenantStatus } from './types.ts'

const RECORD = {
  id: tenants.id,
  status: tenants.status,
  serverId: tenants.serverId,
  databaseName: tenants.databaseName,
  epoch: tenants.epoch,
  credentialsVersion: tenants.credentialsVersion,
  sealedPassword: tenants.sealedPassword,
  sealedPreviousPassword: tenants.sealedPreviousPassword,
  schemaVersion: tenants.schemaVersion,
  migrationsApplied: tenants.migrationsApplied,
}

/** Which migrations a tenant's database holds. */
export type SchemaState = Pick<TenantRecord, 'schemaVersion' | 'migrationsApplied'>

/** On whose behalf a tenant is provisioned: a request of its owner, or nobody's who waits. */
export type Claimant = 'owner' | 'reconciler'

/** A claimed provisioning: who works on it, and how often it failed before. */
export interface Claim {
  readonly tenantId: Id
  readonly databaseName: string
  readonly token: Id
  readonly attempts: number
  readonly by: Claimant
}

/** This installation's identity, made at the first call. */
export async function findOrCreateInstallationId(core: CoreExecutor): Promise<Id> {
  await core.orm.insert(installation).values({}).onConflictDoNothing()
  const [row] = await core.orm.select({ id: installation.id }).from(installation)
  if (!row) throw new Error('the installation has no identity')
  return row.id
}

export async function findTenant(core: CoreExecutor, id: Id): Promise<TenantRecord | undefined> {
  const [row] = await core.orm.select(RECORD).from(tenants).where(eq(tenants.id, id))
  return row
}

/** Every tenant, oldest first (ids begin with their time). */
export async function listTenants(core: CoreExecutor): Promise<TenantRecord[]> {
  return await core.orm.select(RECORD).from(tenants).orderBy(asc(tenants.id))
}

/** Claimed from birth, so that nobody takes it over before `claimSeconds` have passed. */
export async function insertTenant(
  core: CoreExecutor,
  tenant: { id: Id; serverId: Id; databaseName: string; claimToken: Id },
  claimSeconds: number,
): Promise<void> {
  await core.orm
    .insert(tenants)
    .values({ ...tenant, status: 'provisioning', claimedUntil: inSeconds(claimSeconds) })
}

/** Takes over an unfinished provisioning that nobody holds; `undefined` when somebody does, or nothing is left to do. */
export async function claimTenant(
  core: CoreExecutor,
  claim: Pick<Claim, 'tenantId' | 'token' | 'by'>,
  claimSeconds: number,
): Promise<Claim | undefined> {
  const isFree = claim.by === 'owner' ? or(isNull(tenants.claimToken), isUnclaimed()) : isUnclaimed()
  const statuses: TenantStatus[] = claim.by === 'owner' ? ['provisioning', 'failed'] : ['provisioning']
  const [row] = await core.orm
    .update(tenants)
    .set({ status: 'provisioning', claimToken: claim.token, claimedUntil: inSeconds(claimSeconds) })
    .where(and(eq(tenants.id, claim.tenantId), inArray(tenants.status, statuses), isFree))
    .returning({ databaseName: tenants.databaseName, attempts: tenants.provisioningAttempts })
  return row && { ...claim, ...row }
}

/** Shows that the one who works on a provisioning is alive. */
export async function prolongClaim(core: CoreExecutor, claim: Claim, claimSeconds: number): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ claimedUntil: inSeconds(claimSeconds) })
    .where(and(isHeldBy(claim), WITHOUT_WAITING_FOR_DISK))
}

/** Notes that the owner has heard of a tenant that a reconciler finished. */
export async function acknowledgeTenant(core: CoreExecutor, id: Id): Promise<void> {
  await core.orm.update(tenants).set({ isUnannounced: false }).where(eq(tenants.id, id))
}

/** Unfinished provisionings that nobody holds, the longest waiting first. */
export async function listUnclaimedIds(core: CoreExecutor, limit: number): Promise<Id[]> {
  const rows = await core.orm
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.status, 'provisioning'), isUnclaimed()))
    .orderBy(asc(tenants.claimedUntil))
    .limit(limit)
  return rows.map((row) => row.id)
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

/** The one place where a tenant becomes active. False when the claim is somebody else's by now. */
export async function activateTenant(
  core: CoreExecutor,
  claim: Claim,
  schema: SchemaState,
): Promise<boolean> {
  const rows = await core.orm
    .update(tenants)
    .set({
      status: 'active',
      ...schema,
      isUnannounced: claim.by === 'reconciler',
      provisioningStep: 'activate',
      lastError: null,
      claimToken: null,
      claimedUntil: null,
      updatedAt: sql`now()`,
    })
    .where(isHeldBy(claim))
    .returning({ id: tenants.id })
  return rows.length === 1
}

/** Gives the claim back after a failure; nobody takes it up again before `retrySeconds` have passed. */
export async function recordFailure(
  core: CoreExecutor,
  claim: Claim,
  failure: { status: 'provisioning' | 'failed'; attempts: number; message: string; retrySeconds: number },
): Promise<void> {
  await core.orm
    .update(tenants)
    .set({
      status: failure.status,
      provisioningAttempts: failure.attempts,
      lastError: failure.message,
      claimToken: null,
      claimedUntil: inSeconds(failure.retrySeconds),
      updatedAt: sql`now()`,
    })
    .where(isHeldBy(claim))
}

/** Writes down what a migration left a tenant's database at. */
export async function recordSchema(core: CoreExecutor, id: Id, schema: SchemaState): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ ...schema, updatedAt: sql`now()` })
    .where(eq(tenants.id, id))
}

/**
 * Makes a database ours: a fresh clone gets its organization's id. False when it is somebody else's. What is committed
 * in this database afterwards makes it durable.
 */
export async function claimIdentity(
  tenant: TenantExecutor,
  identity: { installationId: Id; organizationId: Id },
): Promise<boolean> {
  const rows = await tenant.orm
    .update(tenantIdentity)
    .set({ organizationId: identity.organizationId })
    .where(
      and(
        eq(tenantIdentity.installationId, identity.installationId),
        or(isNull(tenantIdentity.organizationId), eq(tenantIdentity.organizationId, identity.organizationId)),
        WITHOUT_WAITING_FOR_DISK,
      ),
    )
    .returning({ organizationId: tenantIdentity.organizationId })
  return rows.length === 1
}

/** Marks a template as this installation's, which its clones inherit. */
export async function insertTemplateIdentity(template: Connection, installationId: Id): Promise<void> {
  await template.query('INSERT INTO tenant_identity (installation_id) VALUES ($1)', [installationId])
}

/** `open`: exists and lets people in; `closed`: exists and does not; `undefined`: is not there. */
export async function databaseState(
  server: Connection,
  name: string,
): Promise<'open' | 'closed' | undefined> {
  const { rows } = await server.query<{ datallowconn: boolean }>(
    'SELECT datallowconn FROM pg_database WHERE datname = $1',
    [name],
  )
  const [row] = rows
  return row && (row.datallowconn ? 'open' : 'closed')
}

/**
 * Creates a database that nobody can enter yet. PUBLIC may connect to every new database, and CREATE DATABASE cannot
 * share a transaction with the REVOKE, so the door stays shut in between.
 *
 * @see https://www.postgresql.org/docs/current/ddl-priv.html
 */
export async function createClosedDatabase(
  server: Connection,
  name: string,
  template: string,
): Promise<void> {
  const encoding = template === 'template0' ? " ENCODING 'UTF8'" : ''
  await server.query(
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template)}${encoding} ALLOW_CONNECTIONS false`,
  )
}

/**
 * Takes PUBLIC's rights to a database away and opens it to its owner, in one transaction and one round trip. A crash may
 * lose it; what is committed in the database afterwards makes it durable, because a server has one log in one order.
 */
export async function openDatabase(server: Connection, name: string, comment: string): Promise<void> {
  const database = quoteIdentifier(name)
  await server.query(
    `SELECT set_config('synchronous_commit', 'off', true);
     REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
     COMMENT ON DATABASE ${database} IS ${quoteLiteral(comment)};
     ALTER DATABASE ${database} ALLOW_CONNECTIONS true`,
  )
}

/** Closes a finished template under its final name: a session in a template would block every clone. */
export async function publishTemplate(server: Connection, building: string, name: string): Promise<void> {
  await server.query(
    `ALTER DATABASE ${quoteIdentifier(building)} ALLOW_CONNECTIONS false;
     ALTER DATABASE ${quoteIdentifier(building)} RENAME TO ${quoteIdentifier(name)}`,
  )
}

export async function dropDatabase(server: Connection, name: string): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`)
}

/**
 * A condition that is always true and lets its statement's commit return before the disk has it (about 5 ms each).
 *
 * @see https://www.postgresql.org/docs/current/wal-async-commit.html
 */
const WITHOUT_WAITING_FOR_DISK = sql`set_config('synchronous_commit', 'off', true) = 'off'`

/** The database's clock decides about claims, because the processes' clocks may differ. */
function inSeconds(seconds: number) {
  return sql`now() + make_interval(secs => ${seconds})`
}

function isUnclaimed() {
  return or(isNull(tenants.claimedUntil), lt(tenants.claimedUntil, sql`now()`))
}

function isHeldBy(claim: Claim) {
  return and(eq(tenants.id, claim.tenantId), eq(tenants.claimToken, claim.token))
}
