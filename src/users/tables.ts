import { sql } from 'drizzle-orm'
import { boolean, check, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const TENANT_ROLES = ['owner', 'admin', 'member'] as const

/** Core database: people who use the platform and own organizations. */
export const coreUsers = pgTable('users', {
  id: uuid().primaryKey(),
  /** Canonical, so that the constraint sees two spellings as one. */
  email: text().notNull().unique('users_email_key'),
  /** When somebody was last seen to read what is sent there; null: never. */
  emailVerifiedAt: time('email_verified_at'),
  passwordHash: text('password_hash').notNull(),
  /** Sessions that began before it have ended; null: it is the first one. */
  passwordChangedAt: time('password_changed_at'),
  fullName: text('full_name'),
  isActive: boolean('is_active').notNull().default(true),
  /** Operates the platform: sees every tenant's state, and no tenant's data. */
  isAdmin: boolean('is_admin').notNull().default(false),
  createdAt: time('created_at').notNull().defaultNow(),
  updatedAt: time('updated_at').notNull().defaultNow(),
})

/** Tenant database: that organization's users. */
export const tenantUsers = pgTable(
  'users',
  {
    id: uuid().primaryKey(),
    /** Set where the user belongs to a core user, whose password it signs in with. */
    coreUserId: uuid('core_user_id').unique('users_core_user_id_key'),
    email: text().notNull().unique('users_email_key'),
    emailVerifiedAt: time('email_verified_at'),
    passwordHash: text('password_hash'),
    passwordChangedAt: time('password_changed_at'),
    fullName: text('full_name'),
    phone: text(),
    avatarUrl: text('avatar_url'),
    isOwner: boolean('is_owner').notNull().default(false),
    isActive: boolean('is_active').notNull().default(true),
    role: text({ enum: TENANT_ROLES }).notNull().default('member'),
    metadata: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check('users_role_check', sql`${table.role} in ('owner', 'admin', 'member')`),
    // Never two passwords; none at all where the organization's identity provider vouches for somebody.
    check('users_credential_check', sql`${table.coreUserId} is null or ${table.passwordHash} is null`),
  ],
)
