import { sql } from 'drizzle-orm'
import { index, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Core database: when somebody was sent which kind of mail lately, by whichever process and for whichever tenant. */
export const mailRecipients = pgTable(
  'mail_recipients',
  {
    /** SHA-256 of kind and address: the address of a tenant's user does not belong into the core database. */
    key: text().primaryKey(),
    sentAt: time('sent_at').array().notNull().default(sql`'{}'`),
    lastSentAt: time('last_sent_at').notNull().defaultNow(),
  },
  (table) => [index('mail_recipients_last_sent_at_idx').on(table.lastSentAt)],
)
