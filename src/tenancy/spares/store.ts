import { and, asc, eq, inArray, isNull, lt, or, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { CLAIMED, type Claim, inSeconds } from '../provisioning/store.ts'
import type { SchemaState } from '../store.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor, CoreTx } from '../types.ts'

/**
 * Takes a spare for an organization: past those that other transactions are taking at this moment, so that nobody
 * waits.
 *
 * @param servers in order of preference
 * @returns `undefined` when there is none at this schema
 */
export async function claimSpare(
  core: CoreTx,
  wish: { servers: readonly Id[]; schema: SchemaState; token: Id },
  claimSeconds: number,
): Promise<Claim | undefined> {
  const { servers, schema, token } = wish
  const spare = core.orm
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.status, 'spare'), inArray(tenants.serverId, [...servers]), isAt(schema)))
    .orderBy(
      sql`array_position(${sql.param(`{${servers.join(',')}}`)}::uuid[], ${tenants.serverId})`,
      asc(tenants.id),
    )
    .limit(1)
    .for('update', { skipLocked: true })
  const [row] = await core.orm
    .update(tenants)
    .set({ status: 'provisioning', claimToken: token, claimedUntil: inSeconds(claimSeconds) })
    .where(isTheOne(spare))
    .returning(CLAIMED)
  return row && { ...row, token, goal: 'active', wasSpare: true, by: 'owner' }
}

/** Spares that the next organizations will get, the next one first. */
export async function listSpares(core: CoreExecutor, schema: SchemaState, limit: number) {
  return await core.orm
    .select({
      id: tenants.id,
      serverId: tenants.serverId,
      databaseName: tenants.databaseName,
      sealedPassword: tenants.sealedPassword,
      sealedPreviousPassword: tenants.sealedPreviousPassword,
      credentialsVersion: tenants.credentialsVersion,
    })
    .from(tenants)
    .where(and(eq(tenants.status, 'spare'), isAt(schema)))
    .orderBy(asc(tenants.id))
    .limit(limit)
}

/** Takes a spare that lacks migrations out of use, to be brought up to date; `undefined` when there is none. */
export async function claimOutdatedSpare(
  core: CoreExecutor,
  wish: { serverId: Id; schema: SchemaState; token: Id },
  claimSeconds: number,
): Promise<Claim | undefined> {
  const { serverId, schema, token } = wish
  const spare = core.orm
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.status, 'spare'), eq(tenants.serverId, serverId), isBehind(schema)))
    .orderBy(asc(tenants.id))
    .limit(1)
    .for('update', { skipLocked: true })
  const [row] = await core.orm
    .update(tenants)
    .set({ status: 'preparing', claimToken: token, claimedUntil: inSeconds(claimSeconds) })
    .where(isTheOne(spare))
    .returning(CLAIMED)
  return row && { ...row, token, goal: 'spare', wasSpare: false, by: 'reconciler' }
}

/**
 * How many spares a server has or is making, those of a newer schema included. Processes that ask for the same server
 * in transactions get their answers one after another, so that each counts what the one before has begun.
 */
export async function countSpares(core: CoreTx, serverId: Id): Promise<number> {
  await core.orm.execute(sql`SELECT pg_advisory_xact_lock(hashtext(${`tenantry spares ${serverId}`}))`)
  const [row] = await core.orm
    .select({ count: sql<number>`count(*)::int` })
    .from(tenants)
    .where(and(inArray(tenants.status, ['spare', 'preparing']), eq(tenants.serverId, serverId)))
  return row?.count ?? 0
}

/**
 * With `=`, and not with IN: that may run a query once for each row that it is compared with, and each run would skip what
 * the one before had locked, and take one spare more.
 */
function isTheOne(spare: SQLWrapper): SQL {
  return sql`${tenants.id} = (${spare})`
}

function isAt({ schemaVersion, migrationsApplied }: SchemaState): SQL | undefined {
  const isVersion =
    schemaVersion === null ? isNull(tenants.schemaVersion) : eq(tenants.schemaVersion, schemaVersion)
  return and(isVersion, eq(tenants.migrationsApplied, migrationsApplied))
}

/** A spare of a newer program is not behind; it waits for that program. */
function isBehind({ schemaVersion, migrationsApplied }: SchemaState): SQL | undefined {
  const version = schemaVersion ?? ''
  return or(
    sql`coalesce(${tenants.schemaVersion}, '') < ${version}`,
    and(
      sql`coalesce(${tenants.schemaVersion}, '') = ${version}`,
      lt(tenants.migrationsApplied, migrationsApplied),
    ),
  )
}
