import { and, asc, eq, inArray, isNull, lt, or, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { CLAIMED, type Claim, inSeconds, relaxCommitWhere } from '../provisioning/store.ts'
import type { SchemaState } from '../store.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor, CoreTx } from '../types.ts'

/** Stands for the server that takes new tenants, if there is but one and its number of tenants has no limit. */
export const ONLY_SERVER = Symbol('the only server')

/**
 * Takes a spare for an organization: past those that other transactions are taking at this moment, so that nobody
 * waits.
 *
 * @param wish servers in order of preference, or the only one where there is no choice; those on which a later commit flushes this one, which then need not wait for the disk
 * @returns `undefined` when there is none at this schema
 */
export async function claimSpare(
  core: CoreTx,
  wish: {
    servers: readonly Id[] | typeof ONLY_SERVER
    schema: SchemaState
    token: Id
    flushedLaterOn: readonly Id[]
  },
  claimSeconds: number,
): Promise<Claim | undefined> {
  const { servers, schema, token, flushedLaterOn } = wish
  const spare = core.orm
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.status, 'spare'), isOneOf(servers), isAt(schema)))
    .orderBy(...(servers === ONLY_SERVER ? [] : [rankIn(servers)]), asc(tenants.id))
    .limit(1)
    .for('update', { skipLocked: true })
  const [row] = await core.orm
    .update(tenants)
    .set({ status: 'provisioning', claimToken: token, claimedUntil: inSeconds(claimSeconds) })
    .where(isTheOne(spare))
    .returning({ ...CLAIMED, commit: relaxCommitWhere(inArray(tenants.serverId, [...flushedLaterOn])) })
  if (!row) return undefined
  const { commit: _, ...claimed } = row
  return { ...claimed, token, goal: 'active', wasSpare: true, by: 'owner' }
}

/** Where one server takes new tenants, without a limit to their number, that is where the spare is. */
function isOneOf(servers: readonly Id[] | typeof ONLY_SERVER): SQL {
  if (servers !== ONLY_SERVER) return inArray(tenants.serverId, [...servers])
  return sql`${tenants.serverId} = (SELECT CASE WHEN count(*) = 1 AND bool_and(capacity IS NULL) THEN min(id::text)::uuid END
    FROM servers WHERE NOT is_draining)`
}

function rankIn(servers: readonly Id[]): SQL {
  return sql`array_position(${sql.param(`{${servers.join(',')}}`)}::uuid[], ${tenants.serverId})`
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
