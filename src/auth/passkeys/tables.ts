import { bigint, boolean, index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { secondFactors } from '../second-factor/tables.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Core and tenant databases alike: what a second factor is that is a passkey (WebAuthn). It signs in by itself, too. */
export const passkeys = pgTable('passkeys', {
  /** The factor's. */
  id: uuid()
    .primaryKey()
    .references(() => secondFactors.id, { onDelete: 'cascade' }),
  /** What the authenticator calls it, base64url. */
  credentialId: text('credential_id').notNull().unique('passkeys_credential_id_key'),
  /** COSE_Key, base64url. */
  publicKey: text('public_key').notNull(),
  /** The authenticator's, as of the last use: it only grows, or stays 0. */
  counter: bigint({ mode: 'number' }).notNull(),
  /** How the authenticator is reached: hints for browsers. */
  transports: text().array().notNull(),
  /** Whether it may be copied to other devices; never changes. */
  isBackupEligible: boolean('is_backup_eligible').notNull(),
  /** Whether it was, as of the last use. */
  isBackedUp: boolean('is_backed_up').notNull(),
  /** What its owner calls it. */
  name: text().notNull(),
  lastUsedAt: time('last_used_at'),
})

/** Core and tenant databases alike: what authenticators are asked to sign. A row is deleted by its one use. */
export const passkeyChallenges = pgTable(
  'passkey_challenges',
  {
    /** SHA-256 of the challenge and of what it is for, base64url. */
    hash: text().primaryKey(),
    expiresAt: time('expires_at').notNull(),
  },
  (table) => [index('passkey_challenges_expires_at_idx').on(table.expiresAt)],
)
