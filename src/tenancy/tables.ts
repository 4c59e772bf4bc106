import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Milliseconds are what JavaScript's Date holds; finer times would change on their way through it. */
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const TENANT_STATUSES = ['provisioning', 'active', 'failed', 'suspended'] as const

/** Core database: this installation's own identity, one row. Databases that it made carry the same id. */
export const installation = pgTable(
  'installation',
  {
    singleton: boolean().primaryKey().default(true),
    id: uuid().notNull().default(sql`gen_random_uuid()`),
  },
  (table) => [check('installation_singleton_check', sql`${table.singleton}`)],
)

/** Core database: every tenant database and how far it is. Its id is the organization's id. */
export const tenants = pgTable(
  'tenants',
  {
    id: uuid().primaryKey(),
    databaseName: text('database_name').notNull().unique(),
    status: text({ enum: TENANT_STATUSES }).notNull(),
    /** Newest migration that its database holds; null until it is active for the first time. */
    schemaVersion: text('schema_version'),
    /** How many migrations it holds: a file that came late, with an older version, is missing only here. */
    migrationsApplied: integer('migrations_applied').notNull().default(0),
    /** The last provisioning step that was completed. */
    provisioningStep: text('provisioning_step'),
    provisioningAttempts: integer('provisioning_attempts').notNull().default(0),
    lastError: text('last_error'),
    /** Finished by a reconciler after its request had failed: the owner has not heard of it yet. */
    isUnannounced: boolean('is_unannounced').notNull().default(false),
    /** Who provisions it now; a step of anybody else is refused. Null in the pause after a failure. */
    claimToken: uuid('claim_token'),
    /** Until then no reconciler takes the provisioning over. */
    claimedUntil: time('claimed_until'),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check('tenants_status_check', sql`${table.status} in ('provisioning', 'active', 'failed', 'suspended')`),
    index('tenants_unfinished_idx').on(table.claimedUntil).where(sql`${table.status} = 'provisioning'`),
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
