import { index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { tenants } from '../tenancy/index.ts'
import type { RunSettings } from './settings.ts'
import type { MigrationAction, TenantFailure } from './types.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What a run does to its tenants; `rollback` takes back what another run did. */
export const RUN_KINDS = ['up', 'down', 'rollback'] as const

/**
 * `running` with a lease that ran out: its process died, and it can be resumed like a `paused` one. `stopped`: too many
 * tenants failed. `finished`: every tenant was tried.
 */
export const RUN_STATUSES = ['running', 'paused', 'stopped', 'finished'] as const

/** `left`: there was a reason not to touch it, which is recorded. */
export const RUN_TENANT_STATUSES = ['pending', 'running', 'done', 'failed', 'left'] as const

export type RunTenantStatus = (typeof RUN_TENANT_STATUSES)[number]

/** Core database: operations over many tenants. */
export const fleetRuns = pgTable(
  'fleet_runs',
  {
    id: uuid().primaryKey(),
    kind: text({ enum: RUN_KINDS }).notNull(),
    status: text({ enum: RUN_STATUSES }).notNull(),
    action: jsonb().$type<MigrationAction>().notNull(),
    settings: jsonb().$type<RunSettings>().notNull(),
    /** Tenants that needed nothing when it was planned, and so are not part of it. */
    upToDate: integer('up_to_date').notNull(),
    /** Why it stopped, in words. */
    reason: text(),
    /** The process that carries it out, for people. */
    holder: text(),
    /** Whoever has it may go on; whoever takes the run over gives it a new one. */
    leaseToken: uuid('lease_token'),
    leasedUntil: time('leased_until'),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
    finishedAt: time('finished_at'),
  },
  (table) => [index('fleet_runs_created_at_idx').on(table.createdAt)],
)

/** Core database: how it went for each tenant of a run. */
export const fleetRunTenants = pgTable(
  'fleet_run_tenants',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => fleetRuns.id, { onDelete: 'cascade' }),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    /** 0 is the canary. */
    wave: integer().notNull(),
    /** Its turn in the run. */
    position: integer().notNull(),
    status: text({ enum: RUN_TENANT_STATUSES }).notNull().default('pending'),
    attempts: integer().notNull().default(0),
    /** Files that this run applied, or took back, in the order of that. */
    versions: text().array().notNull().default([]),
    durationMs: integer('duration_ms'),
    failure: jsonb().$type<TenantFailure>(),
    startedAt: time('started_at'),
    finishedAt: time('finished_at'),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.tenantId], name: 'fleet_run_tenants_pkey' }),
    index('fleet_run_tenants_tenant_id_idx').on(table.tenantId),
  ],
)
