import { pgTable, uuid } from 'drizzle-orm/pg-core'
import { sessions } from '../sessions/tables.ts'

/** Tenant database: which sessions were begun with a core token, and end with the core session that it was of. */
export const exchangedSessions = pgTable('exchanged_sessions', {
  sessionId: uuid('session_id')
    .primaryKey()
    .references(() => sessions.id, { onDelete: 'cascade' }),
  coreSessionId: uuid('core_session_id').notNull(),
})
