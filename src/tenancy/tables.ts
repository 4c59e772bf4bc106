import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { SchemaDrift } from './drift/types.ts'

/** Milliseconds are what JavaScript's Date holds; finer times would change on their way through it. */
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** `preparing` and `spare` have no organization yet; `failed` may lack one too. */
export const TENANT_STATUSES = [
  'preparing',
  'spare',
  'provisioning',
  'active',
  'failed',
  'suspended',
] as const

/** The core database's own server. Migrations insert it, so that every installation has one. */
export const MAIN_SERVER_ID = '00000000-0000-7000-8000-000000000001'

/** Core database: this installation's own identity, one row. Databases that it made carry the same id. */
export const installation = pgTable(
  'installation',
  {
    singleton: boolean().primaryKey().default(true),
    id: uuid().notNull().default(sql`gen_random_uuid()`),
  },
  (table) => [check('installation_singleton_check', sql`${table.singleton}`)],
)

/** Core database: PostgreSQL servers that hold tenant databases. */
export const servers = pgTable('servers', {
  id: uuid().primaryKey(),
  name: text().notNull().unique('servers_name_key'),
  /** How the platform's role reaches it: a URL, sealed, base64. Null: the core database's own server. */
  sealedUrl: text('sealed_url'),
  region: text(),
  /** Most tenants that are placed on it, spares included; null: no limit. */
  capacity: integer(),
  /** No new tenants are placed on it. */
  isDraining: boolean('is_draining').notNull().default(false),
  createdAt: time('created_at').notNull().defaultNow(),
})

/** Core database: every tenant database and how far it is. Its id is the organization's id. */
export const tenants = pgTable(
  'tenants',
  {
    id: uuid().primaryKey(),
    serverId: uuid('server_id')
      .notNull()
      .references(() => servers.id),
    /** Also the name of its login role. */
    databaseName: text('database_name').notNull().unique(),
    status: text({ enum: TENANT_STATUSES }).notNull(),
    /** Grows with every change that a process must know before it lets anybody in; a trigger counts. */
    epoch: integer().notNull().default(0),
    /** The login role's password, sealed, base64; null while there is no role. */
    sealedPassword: text('sealed_password'),
    /** The one before, as long as the server may still have that one. */
    sealedPreviousPassword: text('sealed_previous_password'),
    credentialsVersion: integer('credentials_version').notNull().default(0),
    /** Newest migration that its database holds; null until it is active for the first time. */
    schemaVersion: text('schema_version'),
    /** How many migrations it holds: a file that came late, with an older version, is missing only here. */
    migrationsApplied: integer('migrations_applied').notNull().default(0),
    /** Over those migrations: a file that was edited since does not match. Null where it was never noted. */
    schemaChecksum: text('schema_checksum'),
    /** How its schema differed from what its migrations make, when it was looked at last; null where it did not. */
    schemaDrift: jsonb('schema_drift').$type<SchemaDrift>(),
    /** When its schema was compared last; null where it never was. */
    schemaCheckedAt: time('schema_checked_at'),
    /** Runs over many tenants that failed here one after another; 0 after one that did not. */
    migrationFailures: integer('migration_failures').notNull().default(0),
    /** What the last of them met. */
    migrationFailure: jsonb('migration_failure'),
    /** An operator took migrations back here: nobody but a run brings it up again. */
    isHeldBack: boolean('is_held_back').notNull().default(false),
    /** The last provisioning step that was completed. */
    provisioningStep: text('provisioning_step'),
    provisioningAttempts: integer('provisioning_attempts').notNull().default(0),
    lastError: text('last_error'),
    /** Its request failed, or was answered before it was ready: the owner has not heard yet that it is. */
    isUnannounced: boolean('is_unannounced').notNull().default(false),
    /** Active, but the handlers of `organization.created` have not run yet. */
    isCreatedEventDue: boolean('is_created_event_due').notNull().default(false),
    /** Who provisions it now; a step of anybody else is refused. Null in the pause after a failure. */
    claimToken: uuid('claim_token'),
    /** Until then no reconciler takes the provisioning over. */
    claimedUntil: time('claimed_until'),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check(
      'tenants_status_check',
      sql`${table.status} in ('preparing', 'spare', 'provisioning', 'active', 'failed', 'suspended')`,
    ),
    index('tenants_unfinished_idx')
      .on(table.claimedUntil)
      .where(sql`${table.status} in ('preparing', 'provisioning')`),
    index('tenants_spare_idx').on(table.serverId).where(sql`${table.status} = 'spare'`),
    index('tenants_server_id_idx').on(table.serverId),
    index('tenants_created_event_due_idx').on(table.id).where(sql`${table.isCreatedEventDue}`),
  ],
)

/**
 * Tenant database: whose it is, one row. A clone of a template already names the installation, so that even a database
 * whose maker died before it could say more is provably ours.
 */
export const tenantIdentity = pgTable(
  'tenant_identity',
  {
    singleton: boolean().primaryKey().default(true),
    installationId: uuid('installation_id').notNull(),
    /** Null in a template. */
    organizationId: uuid('organization_id'),
  },
  (table) => [check('tenant_identity_singleton_check', sql`${table.singleton}`)],
)
