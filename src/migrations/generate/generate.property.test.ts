import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AnyPgColumn, bigint, index, integer, pgTable, unique } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../test/support/databases.ts'
import { runs } from '../../../test/support/effort.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../../platform/index.ts'
import { dumpSchema } from '../dump/dump.ts'
import { readMigrations } from '../files.ts'
import { migrateDown, migrateUp } from '../migrate.ts'
import { generateMigration } from './generate.ts'
import type { Models } from './kit.ts'

const TABLES = ['alpha', 'beta', 'gamma'] as const
const COLUMNS = ['one', 'two', 'three'] as const

type TableName = (typeof TABLES)[number]
type ColumnName = (typeof COLUMNS)[number]

interface ColumnPlan {
  readonly isBig: boolean
  readonly isRequired: boolean
  readonly isUnique: boolean
  readonly isIndexed: boolean
  /** The table that it refers to, when that exists. */
  readonly target: TableName | null
}

type ModelPlan = Partial<Record<TableName, Partial<Record<ColumnName, ColumnPlan>>>>

const column: fc.Arbitrary<ColumnPlan> = fc.record({
  isBig: fc.boolean(),
  isRequired: fc.boolean(),
  isUnique: fc.boolean(),
  isIndexed: fc.boolean(),
  target: fc.constantFrom(null, ...TABLES),
})
const table = fc.record({ one: column, two: column, three: column }, { requiredKeys: [] })
const model: fc.Arbitrary<ModelPlan> = fc.record(
  { alpha: table, beta: table, gamma: table },
  { requiredKeys: [] },
)

/** Turns a plan into Drizzle models. */
function modelsOf(plan: ModelPlan): Models {
  const tables: Record<string, { id: AnyPgColumn }> = {}
  for (const [name, columns] of Object.entries(plan)) {
    const entries = Object.entries(columns).map(([key, { isBig, isRequired, target }]) => {
      const plain = isBig ? bigint({ mode: 'number' }) : integer()
      if (isRequired) plain.notNull()
      if (target !== null && plan[target]) plain.references(() => idOf(tables, target))
      return [key, plain] as const
    })
    tables[name] = pgTable(name, { id: integer().primaryKey(), ...Object.fromEntries(entries) }, (t) =>
      Object.entries(columns).flatMap(([key, { isUnique, isIndexed }]) => {
        const on = t[key as keyof typeof t]
        return [
          ...(isUnique ? [unique(`${name}_${key}_unique`).on(on)] : []),
          ...(isIndexed ? [index(`${name}_${key}_index`).on(on)] : []),
        ]
      }),
    )
  }
  return tables
}

function idOf(tables: Readonly<Record<string, { id: AnyPgColumn }>>, name: string): AnyPgColumn {
  const id = tables[name]?.id
  if (!id) throw new Error(`no table ${name}`)
  return id
}

/** Everything that is there in one model may go; who generates it means it. */
function dropsBetween(before: ModelPlan, after: ModelPlan): string[] {
  return Object.entries(before).flatMap(([name, columns]) => {
    const target = after[name as TableName]
    if (!target) return [name]
    return Object.keys(columns)
      .filter((key) => !target[key as ColumnName])
      .map((key) => `${name}.${key}`)
  })
}

/** A column that goes and comes back stands last in its table, so the order of lines says nothing. */
function lines(dump: string): string[] {
  return dump
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .sort()
}

describe('generateMigration', () => {
  it('O5: leads from any model to any other and back, to what each gives in an empty database', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(model, model, async (first, second) => {
        const directory = await mkdtemp(join(tmpdir(), 'generate-'))
        const { url, drop } = await createTestDatabase()
        try {
          await withConnection(
            { url, applicationName: 'generate', timeouts: MAINTENANCE_TIMEOUTS },
            async (connection) => {
              const migrate = async (): Promise<string[]> => {
                await migrateUp(connection, await readMigrations(directory))
                return lines(await dumpSchema(connection))
              }
              const now = new Date('2026-01-01T00:00:00Z')
              await generateMigration({ directory, models: modelsOf(first), name: 'first', now })
              const one = await migrate()
              const drops = dropsBetween(first, second)
              const changed = await generateMigration({
                directory,
                models: modelsOf(second),
                name: 'second',
                now,
                drops,
              })
              const two = await migrate()
              if (changed) await migrateDown(connection, await readMigrations(directory))
              expect(lines(await dumpSchema(connection))).toEqual(one)
              await migrate()

              const fresh = await generateMigration({
                directory: join(directory, 'fresh'),
                models: modelsOf(second),
                name: 'fresh',
                now,
              })
              await migrateDown(connection, await readMigrations(directory), { steps: 2 })
              await connection.query('DROP SCHEMA tenantry CASCADE')
              if (fresh) await migrateUp(connection, await readMigrations(join(directory, 'fresh')))
              expect(lines(await dumpSchema(connection))).toEqual(two)
            },
          )
        } finally {
          await drop()
          await rm(directory, { recursive: true })
        }
      }),
      { numRuns: runs(10) },
    )
  })
})
