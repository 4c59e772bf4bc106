import { boolean, index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
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
