import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { organizations } from '../organizations/index.ts'
import { tenantUsers } from '../users/index.ts'
import type { Claims } from './provider/claims.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What somebody becomes who joins through an identity provider: owners are made of members. */
export const JOINING_ROLES = ['admin', 'member'] as const

/** Tenant database: the organization's identity provider. One, for now. */
export const ssoConnections = pgTable(
  'sso_connections',
  {
    id: uuid().primaryKey(),
    singleton: boolean().notNull().default(true).unique('sso_connections_singleton_key'),
    /** Another one with each change: what began under an older one does not go on. */
    revision: uuid().notNull(),
    /** As the provider's own description spells it. */
    issuer: text().notNull(),
    clientId: text('client_id').notNull(),
    /** Base64; null for a client without a secret. */
    sealedSecret: text('sealed_secret'),
    scopes: text().array().notNull(),
    defaultRole: text('default_role', { enum: JOINING_ROLES }).notNull(),
    isEnabled: boolean('is_enabled').notNull(),
    /** Whether a second factor that the provider saw counts as one here. */
    isMfaTrusted: boolean('is_mfa_trusted').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check('sso_connections_singleton_check', sql`${table.singleton}`),
    check('sso_connections_default_role_check', sql`${table.defaultRole} in ('admin', 'member')`),
  ],
)

/** Tenant database: who somebody is at an identity provider. An e-mail address says nothing about that. */
export const ssoIdentities = pgTable(
  'sso_identities',
  {
    issuer: text().notNull(),
    subject: text().notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => tenantUsers.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'sso_identities_pkey', columns: [table.issuer, table.subject] }),
    index('sso_identities_user_id_idx').on(table.userId),
  ],
)

/** Tenant database: sign-ins under way. A row is gone with the session that came of it, or some time after its end. */
export const ssoAttempts = pgTable(
  'sso_attempts',
  {
    /** SHA-256, base64url, of what travels through the provider. Nonce and PKCE verifier are derived from that. */
    stateHash: text('state_hash').primaryKey(),
    /** SHA-256 of what only the client has that began. */
    attemptHash: text('attempt_hash').notNull().unique('sso_attempts_attempt_hash_key'),
    connectionRevision: uuid('connection_revision').notNull(),
    /** Who links an identity; null for a sign-in. */
    userId: uuid('user_id').references(() => tenantUsers.id, { onDelete: 'cascade' }),
    /** Where the browser goes in the end; null: nowhere. */
    returnUrl: text('return_url'),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    /** When the provider's answer came: one is taken. */
    answeredAt: time('answered_at'),
    /** SHA-256 of the code that the client is given once the answer was found good. */
    codeHash: text('code_hash'),
    claims: jsonb().$type<Claims>(),
  },
  (table) => [
    index('sso_attempts_expires_at_idx').on(table.expiresAt),
    index('sso_attempts_user_id_idx').on(table.userId),
  ],
)

/** Core database: domains that organizations say are theirs. Any number may say so of one; one can have shown it. */
export const organizationDomains = pgTable(
  'organization_domains',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    /** Canonical. */
    domain: text().notNull(),
    /** What the domain's owner publishes; of this organization's claim alone. */
    token: text().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    verifiedAt: time('verified_at'),
  },
  (table) => [
    uniqueIndex('organization_domains_claim_key').on(table.organizationId, table.domain),
    uniqueIndex('organization_domains_verified_key')
      .on(table.domain)
      .where(sql`${table.verifiedAt} is not null`),
  ],
)
