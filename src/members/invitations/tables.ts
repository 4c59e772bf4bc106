import { sql } from 'drizzle-orm'
import { check, index, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { tenantUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Roles that somebody can be invited to: owners are made of members. */
export const INVITED_ROLES = ['admin', 'member'] as const

/** Tenant database: who was asked to join, and what became of it. What it is for stands here, not in the token. */
export const invitations = pgTable(
  'invitations',
  {
    id: uuid().primaryKey(),
    /** Canonical. */
    email: text().notNull(),
    role: text({ enum: INVITED_ROLES }).notNull(),
    /** SHA-256 of the newest token, base64url. */
    tokenHash: text('token_hash').notNull().unique('invitations_token_hash_key'),
    invitedBy: uuid('invited_by').references(() => tenantUsers.id, { onDelete: 'set null' }),
    expiresAt: time('expires_at').notNull(),
    acceptedAt: time('accepted_at'),
    revokedAt: time('revoked_at'),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check('invitations_role_check', sql`${table.role} in ('admin', 'member')`),
    /** One open invitation for each address. */
    uniqueIndex('invitations_open_email_key')
      .on(table.email)
      .where(sql`${table.acceptedAt} is null and ${table.revokedAt} is null`),
    index('invitations_invited_by_idx').on(table.invitedBy),
  ],
)
