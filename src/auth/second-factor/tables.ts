import { sql } from 'drizzle-orm'
import { check, index, integer, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { coreUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Both databases call their people `users`, so one definition serves both, as with sessions. */
const userId = () =>
  uuid('user_id')
    .notNull()
    .references(() => coreUsers.id, { onDelete: 'cascade' })

/** What a person can have besides a password. */
export const FACTOR_KINDS = ['totp', 'passkey'] as const
export type FactorKind = (typeof FACTOR_KINDS)[number]

/** Core and tenant databases alike: what people prove who they are with besides their passwords. */
export const secondFactors = pgTable(
  'second_factors',
  {
    id: uuid().primaryKey(),
    userId: userId(),
    kind: text({ enum: FACTOR_KINDS }).notNull(),
    /** Of an app: sealed with the platform's secret for this user of this database, base64. A passkey has no secret here. */
    sealedSecret: text('sealed_secret'),
    createdAt: time('created_at').notNull().defaultNow(),
    /** Null until its owner showed that it works: it counts from then on. */
    confirmedAt: time('confirmed_at'),
    /** The time step of the last code that was accepted: neither it nor an older one is accepted again. */
    lastStep: integer('last_step'),
  },
  (table) => [
    uniqueIndex('second_factors_totp_key').on(table.userId).where(sql`${table.kind} = 'totp'`),
    index('second_factors_user_id_idx').on(table.userId),
    check('second_factors_kind_check', sql`${table.kind} in ('totp', 'passkey')`),
    check('second_factors_secret_check', sql`(${table.kind} = 'totp') = (${table.sealedSecret} is not null)`),
  ],
)

/** Core and tenant databases alike: codes for the day on which the factor is lost, each good once. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    /** HMAC-SHA-256 of user and code under a key of the platform, base64url. */
    hash: text().primaryKey(),
    userId: userId(),
    usedAt: time('used_at'),
  },
  (table) => [index('recovery_codes_user_id_idx').on(table.userId)],
)

/** Core and tenant databases alike: sign-ins whose password was right and whose second factor is awaited. */
export const secondFactorChallenges = pgTable(
  'second_factor_challenges',
  {
    /** SHA-256 of the token that the client holds, base64url. */
    hash: text().primaryKey(),
    userId: userId(),
    /** SHA-256 of the password's hash: with another password since, the challenge is worth nothing. */
    passwordFingerprint: text('password_fingerprint').notNull(),
    tries: integer().notNull().default(0),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    usedAt: time('used_at'),
  },
  (table) => [index('second_factor_challenges_user_id_idx').on(table.userId)],
)

/** Core and tenant databases alike: how often somebody tried to prove who a user is, over all challenges and sessions. */
export const proofTries = pgTable('proof_tries', {
  userId: userId().primaryKey(),
  tries: integer().notNull(),
  windowEndsAt: time('window_ends_at').notNull(),
})
