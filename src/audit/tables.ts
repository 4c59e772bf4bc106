import { index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Who may do something: `operator` is a person at the command line, `system` what no person asked for. */
export const ACTOR_KINDS = ['user', 'admin', 'api_key', 'operator', 'system'] as const

export const OUTCOMES = ['success', 'failure'] as const

/**
 * Core and tenant databases alike: what happened and who did it. Rows are added and read, never changed: tenants' roles
 * have no right to it, and a trigger stops the platform's own role.
 */
export const auditLog = pgTable(
  'audit_log',
  {
    id: uuid().primaryKey(),
    /** The database's clock, at the begin of the transaction. */
    occurredAt: timestamp('occurred_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    action: text().notNull(),
    actorKind: text('actor_kind', { enum: ACTOR_KINDS }).notNull(),
    actorId: uuid('actor_id'),
    /** Who acted under the actor's name. */
    actedBy: uuid('acted_by'),
    targetKind: text('target_kind'),
    /** Not always a UUID: a signing key is named by its thumbprint. */
    targetId: text('target_id'),
    outcome: text({ enum: OUTCOMES }).notNull(),
    /** The /24 or /48 that the request came from. */
    network: text(),
    requestId: text('request_id'),
    details: jsonb().$type<Readonly<Record<string, unknown>>>().notNull().default({}),
  },
  (table) => [
    index('audit_log_action_idx').on(table.action.op('text_pattern_ops'), table.id),
    index('audit_log_actor_id_idx').on(table.actorId, table.id),
    index('audit_log_target_id_idx').on(table.targetId, table.id),
  ],
)
