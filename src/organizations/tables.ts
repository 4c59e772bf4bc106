import { boolean, index, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { tenants } from '../tenancy/index.ts'
import { coreUsers } from '../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Core database: who owns a tenant and what it is called. Its id is the tenant's id. */
export const organizations = pgTable(
  'organizations',
  {
    id: uuid()
      .primaryKey()
      .references(() => tenants.id),
    name: text().notNull(),
    slug: text().notNull().unique('organizations_slug_key'),
    ownerId: uuid('owner_id')
      .notNull()
      .references(() => coreUsers.id),
    isActive: boolean('is_active').notNull().default(true),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [index('organizations_owner_id_idx').on(table.ownerId)],
)

/** Core database: which organization a request with an Idempotency-Key made, kept for 24 h. */
export const organizationRequests = pgTable(
  'organization_requests',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => coreUsers.id, { onDelete: 'cascade' }),
    key: text().notNull(),
    /** SHA-256 of the request's body, so that the same key with another body is found out. */
    requestHash: text('request_hash').notNull(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    /** The body of the first 201, to be repeated; null while there is none. */
    response: jsonb(),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'organization_requests_pkey', columns: [table.userId, table.key] }),
    index('organization_requests_created_at_idx').on(table.createdAt),
  ],
)
