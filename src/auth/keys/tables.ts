import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import type { JWK } from 'jose'

/** Whom a token is for: the platform, or one organization. A key speaks for one of them. */
export const AUDIENCES = ['core', 'tenant'] as const
export type Audience = (typeof AUDIENCES)[number]

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Core database: the keys that sign access tokens, one kind for each audience. All moments are its own clock's. */
export const signingKeys = pgTable('signing_keys', {
  kid: text().primaryKey(),
  audience: text({ enum: AUDIENCES }).notNull(),
  /** For people who look; what verifies is made of the private key, which nobody can forge without the secret. */
  publicJwk: jsonb('public_jwk').$type<JWK>().notNull(),
  /** PKCS #8, sealed with the platform's secret, base64. Empty once the key is revoked. */
  sealedPrivateKey: text('sealed_private_key').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
  signsFrom: time('signs_from').notNull().defaultNow(),
  /** When its successor takes over; null while it has none. */
  signsUntil: time('signs_until'),
  /** When the last token that it signed is surely over, and every copy of the key set that lacks its successor. */
  verifiesUntil: time('verifies_until'),
  revokedAt: time('revoked_at'),
})
