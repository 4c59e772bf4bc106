import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { JWK } from 'jose'

/** Core database: the keys that sign access tokens, one kind for each audience. */
export const signingKeys = pgTable('signing_keys', {
  kid: text().primaryKey(),
  audience: text({ enum: ['core', 'tenant'] }).notNull(),
  publicJwk: jsonb('public_jwk').$type<JWK>().notNull(),
  /** PKCS #8, sealed with the platform's secret, base64. */
  sealedPrivateKey: text('sealed_private_key').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
})
