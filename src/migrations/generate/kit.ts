import type { Snapshot } from './snapshot.ts'

/** Drizzle models and whatever else a module exports; drizzle-kit picks what it knows. */
export type Models = Readonly<Record<string, unknown>>

/**
 * The part of drizzle-kit that is used: the model of a database, and the difference of two, which may prompt.
 */
export interface Kit {
  generateDrizzleJson(models: Models): Snapshot
  generateMigration(before: Snapshot, after: Snapshot): Promise<string[]>
}

/** drizzle-kit gives every snapshot a random id; without them equal models give equal files. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** The engine's own tables; it also makes their schema. */
const LEDGER_SCHEMA = 'tenantry'
const LEDGER_TABLES = ['tenantry.migrations', 'tenantry.migration_history']

/** Loads drizzle-kit. It is large and for developers only, so it is loaded when a migration is generated. */
export function loadKit(): Promise<Kit> {
  return import('drizzle-kit/api')
}

/** Turns models into the snapshot that is compared and kept. */
export function snapshotOf(kit: Kit, models: Models): Snapshot {
  // Read back from JSON, as the last one was: fields without a value would make equal things look different.
  const snapshot: Snapshot = JSON.parse(JSON.stringify(kit.generateDrizzleJson(models)))
  for (const key of LEDGER_TABLES) delete snapshot.tables[key]
  delete snapshot.schemas[LEDGER_SCHEMA]
  // PostgreSQL makes the columns of a primary key NOT NULL, and leaves them so when the key is dropped.
  for (const { columns, compositePrimaryKeys } of Object.values(snapshot.tables)) {
    for (const name of Object.values(compositePrimaryKeys).flatMap((key) => key.columns)) {
      Object.assign(columns[name] ?? {}, { notNull: true })
    }
  }
  return Object.assign(snapshot, { id: NO_ID, prevId: NO_ID })
}
