import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  check,
  index,
  integer,
  pgEnum,
  pgPolicy,
  pgSchema,
  pgTable,
  pgView,
  primaryKey,
  serial,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../../platform/index.ts'
import { dumpSchema } from '../dump/dump.ts'
import { readMigrations } from '../files.ts'
import { migrateDown, migrateUp } from '../migrate.ts'
import { GenerateOptionError, RenameDecisionNeeded } from './errors.ts'
import { type GenerateOptions, generateMigration } from './generate.ts'
import type { Models } from './kit.ts'

const NOW = new Date('2026-01-02T03:04:05.678Z')

type Flags = Pick<GenerateOptions, 'renames' | 'drops'>

interface Workshop {
  readonly directory: string
  /** Generates; gives the path, or undefined. */
  generate(models: Models, flags?: Flags): Promise<string | undefined>
  /** Generates and gives the text of both parts, each statement on one line. */
  parts(models: Models, flags?: Flags): Promise<{ up: string[]; down: string[] }>
}

async function inWorkshop(work: (workshop: Workshop) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'generate-'))
  const generate = (models: Models, flags: Flags = {}): Promise<string | undefined> =>
    generateMigration({ directory, models, name: 'change', now: NOW, ...flags })
  const parts = async (models: Models, flags?: Flags): Promise<{ up: string[]; down: string[] }> => {
    await generate(models, flags)
    const file = (await readMigrations(directory)).files.at(-1)
    const paragraphs = (part: string | undefined): string[] =>
      (part ?? '')
        .trim()
        .split('\n\n')
        .map((statement) => statement.replaceAll(/\s+/g, ' '))
    return { up: paragraphs(file?.up.sql), down: paragraphs(file?.down?.sql) }
  }
  try {
    await work({ directory, generate, parts })
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Runs what was generated: after the last file, the way back and forth must lead to the same two schemas. */
async function prove({ directory }: Workshop): Promise<void> {
  const { url, drop } = await createTestDatabase()
  try {
    await withConnection(
      { url, applicationName: 'generate tests', timeouts: MAINTENANCE_TIMEOUTS },
      async (connection) => {
        const set = await readMigrations(directory)
        const previous = set.files.at(-2)?.version
        if (previous !== undefined) await migrateUp(connection, set, { to: previous })
        const before = await dumpSchema(connection)
        await migrateUp(connection, set)
        const after = await dumpSchema(connection)
        expect(after).not.toBe(before)
        await migrateDown(connection, set)
        expect(await dumpSchema(connection)).toBe(before)
        await migrateUp(connection, set)
        expect(await dumpSchema(connection)).toBe(after)
      },
    )
  } finally {
    await drop()
  }
}

const users = pgTable('users', { id: uuid().primaryKey(), email: text().notNull().unique() })
const usersWithAge = pgTable('users', {
  ...{ id: uuid().primaryKey(), email: text().notNull().unique() },
  age: integer(),
})
const people = pgTable('people', { id: uuid().primaryKey(), email: text().notNull().unique() })
const usersWithMail = pgTable('users', { id: uuid().primaryKey(), mail: text().notNull().unique() })

describe('generateMigration', () => {
  it('N1: creates tables, in a file that is named after the time, with a snapshot beside it', () =>
    inWorkshop(async (workshop) => {
      const path = await workshop.generate({ users })
      expect(path).toBe(join(workshop.directory, '20260102030405_change.sql'))
      expect((await readdir(workshop.directory)).sort()).toEqual([
        '20260102030405_change.sql',
        'snapshot.json',
      ])
      expect(await readFile(path ?? '', 'utf8')).toBe(
        [
          '-- migrate:up',
          'CREATE TABLE "users" (',
          '\t"id" uuid PRIMARY KEY NOT NULL,',
          '\t"email" text NOT NULL,',
          '\tCONSTRAINT "users_email_unique" UNIQUE("email")',
          ');',
          '',
          '-- migrate:down',
          'DROP TABLE "users";',
          '',
        ].join('\n'),
      )
      await prove(workshop)
    }))

  it('N2: nothing has changed: writes nothing', () =>
    inWorkshop(async (workshop) => {
      expect(await workshop.generate({})).toBeUndefined()
      expect(await readdir(workshop.directory)).toEqual([])
      await workshop.generate({ users })
      const before = await readFile(join(workshop.directory, 'snapshot.json'), 'utf8')
      expect(await workshop.generate({ users })).toBeUndefined()
      expect(await readdir(workshop.directory)).toHaveLength(2)
      expect(await readFile(join(workshop.directory, 'snapshot.json'), 'utf8')).toBe(before)
    }))

  it('N3: adds a column; the file sorts behind the newest one, also when that is later than now', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      const parts = await workshop.parts({ usersWithAge })
      expect(parts).toEqual({
        up: ['ALTER TABLE "users" ADD COLUMN "age" integer;'],
        down: ['ALTER TABLE "users" DROP COLUMN "age";'],
      })
      expect(await readdir(workshop.directory)).toContain('20260102030406_change.sql')
      await prove(workshop)
      await writeFile(join(workshop.directory, '20301231235959_later.sql'), '-- migrate:up\nSELECT 1;')
      expect(await workshop.generate({ users })).toContain('20310101000000_change.sql')
    }))

  it('N4: the same models give the same files', () =>
    inWorkshop((one) =>
      inWorkshop(async (other) => {
        for (const { directory, generate } of [one, other]) {
          await generate({ users })
          expect(await readFile(join(directory, 'snapshot.json'), 'utf8')).toBe(
            await readFile(join(one.directory, 'snapshot.json'), 'utf8'),
          )
        }
      }),
    ))

  it.each(['', 'Add', 'add-notes', '../x', 'ä', 'a'.repeat(101)])('N5: refuses the name %j', (name) =>
    inWorkshop(async ({ directory }) => {
      const generating = generateMigration({ directory, models: { users }, name, now: NOW })
      await expect(generating).rejects.toBeInstanceOf(GenerateOptionError)
      expect(await readdir(directory)).toEqual([])
    }),
  )

  it('N6: an index that is to be built concurrently must be written by hand', () =>
    inWorkshop(async ({ directory, generate }) => {
      const slow = pgTable('t', { a: integer() }, (t) => [index('t_a').on(t.a).concurrently()])
      await expect(generate({ slow })).rejects.toThrow('index t_a: leave .concurrently() out')
      expect(await readdir(directory)).toEqual([])
    }))

  it('N8: a snapshot with the marks of a merge says how to go on', () =>
    inWorkshop(async ({ directory, generate }) => {
      await writeFile(join(directory, 'snapshot.json'), '<<<<<<< HEAD\n{}')
      await expect(generate({ users })).rejects.toThrow(/snapshot.json is not JSON; after a merge/)
      expect(await readdir(directory)).toEqual(['snapshot.json'])
    }))

  it('N7: the ledger’s tables and schema are left to the engine', () =>
    inWorkshop(async (workshop) => {
      const tenantry = pgSchema('tenantry')
      const models = {
        tenantry,
        ledger: tenantry.table('migrations', { version: text().primaryKey() }),
        outbox: tenantry.table('outbox', { id: uuid().primaryKey() }),
      }
      const { up, down } = await workshop.parts(models)
      expect(up).toEqual(['CREATE TABLE "tenantry"."outbox" ( "id" uuid PRIMARY KEY NOT NULL );'])
      expect(down).toEqual(['DROP TABLE "tenantry"."outbox";'])
      await prove(workshop)
    }))
})

describe('renames and drops', () => {
  it('R1: a column that is gone beside a new one: asks for a decision and lists the flags', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      const error = await workshop.generate({ usersWithMail }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(RenameDecisionNeeded)
      expect(error).toMatchObject({
        candidates: [
          {
            kind: 'column',
            table: 'users',
            gone: ['email'],
            added: ['mail'],
            flags: ['--rename users.email=mail', '--drop users.email'],
          },
        ],
      })
      expect(String(error)).toContain('    --rename users.email=mail\n    --drop users.email')
      expect(await readdir(workshop.directory)).toHaveLength(2)
    }))

  it('R2: a column renamed by flag keeps its constraint, under its new name', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      expect(await workshop.parts({ usersWithMail }, { renames: ['users.email=mail'] })).toEqual({
        up: [
          'ALTER TABLE "users" RENAME COLUMN "email" TO "mail";',
          'ALTER TABLE "users" RENAME CONSTRAINT "users_email_unique" TO "users_mail_unique";',
        ],
        down: [
          'ALTER TABLE "users" RENAME CONSTRAINT "users_mail_unique" TO "users_email_unique";',
          'ALTER TABLE "users" RENAME COLUMN "mail" TO "email";',
        ],
      })
      await prove(workshop)
      expect(await workshop.generate({ usersWithMail })).toBeUndefined()
    }))

  it('R3: a table renamed by flag keeps its keys, indexes and sequences', () =>
    inWorkshop(async (workshop) => {
      const models = (name: string, mail: string): Models => {
        const table = pgTable(
          name,
          {
            id: uuid().primaryKey(),
            [mail]: text().unique(),
            n: bigint({ mode: 'number' }).generatedAlwaysAsIdentity(),
          },
          (t) => [index(`${name}_n`).on(t.n).where(sql`${t.n} > 1`), check(`${name}_check`, sql`${t.n} < 9`)],
        )
        return { table, notes: pgTable('notes', { user: uuid().references(() => table.id) }) }
      }
      await workshop.generate(models('users', 'email'))
      const flags = { renames: ['users.email=mail', 'users=people'] }
      const { up } = await workshop.parts(models('people', 'mail'), flags)
      expect(up).toEqual([
        'ALTER TABLE "users" RENAME TO "people";',
        'ALTER TABLE "people" RENAME COLUMN "email" TO "mail";',
        'ALTER TABLE "people" RENAME CONSTRAINT "users_pkey" TO "people_pkey";',
        'ALTER TABLE "notes" RENAME CONSTRAINT "notes_user_users_id_fk" TO "notes_user_people_id_fk";',
        'ALTER TABLE "people" RENAME CONSTRAINT "users_email_unique" TO "people_mail_unique";',
        'ALTER TABLE "people" RENAME CONSTRAINT "users_check" TO "people_check";',
        'ALTER INDEX "users_n" RENAME TO "people_n";',
        'ALTER SEQUENCE "users_n_seq" RENAME TO "people_n_seq";',
      ])
      await prove(workshop)
      expect(await workshop.generate(models('people', 'mail'))).toBeUndefined()
    }))

  it('R4: tables: asks, takes the flag, takes the confirmed drop', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      await expect(workshop.generate({ people })).rejects.toMatchObject({
        candidates: [
          {
            kind: 'table',
            gone: ['users'],
            added: ['people'],
            flags: ['--rename users=people', '--drop users'],
          },
        ],
      })
      const { up } = await workshop.parts({ people }, { drops: ['users'] })
      expect(up[0]).toBe('DROP TABLE "users";')
      expect(up[1]).toMatch(/^CREATE TABLE "people"/)
      await prove(workshop)
    }))

  it('R5: a confirmed drop of a column', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      expect(await workshop.parts({ usersWithMail }, { drops: ['users.email'] })).toEqual({
        up: [
          'ALTER TABLE "users" DROP CONSTRAINT "users_email_unique";',
          'ALTER TABLE "users" DROP COLUMN "email";',
          'ALTER TABLE "users" ADD COLUMN "mail" text NOT NULL;',
          'ALTER TABLE "users" ADD CONSTRAINT "users_mail_unique" UNIQUE("mail");',
        ],
        down: [
          'ALTER TABLE "users" DROP CONSTRAINT "users_mail_unique";',
          'ALTER TABLE "users" DROP COLUMN "mail";',
          'ALTER TABLE "users" ADD COLUMN "email" text NOT NULL;',
          'ALTER TABLE "users" ADD CONSTRAINT "users_email_unique" UNIQUE("email");',
        ],
      })
      await prove(workshop)
    }))

  it('R6: what is only gone, or only new, needs no decision', () =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ usersWithAge, people })
      expect((await workshop.parts({ users })).up).toEqual([
        'ALTER TABLE "users" DROP COLUMN "age";',
        'DROP TABLE "people";',
      ])
      await prove(workshop)
    }))

  it.each([
    [{ renames: ['users.nothing=mail'] }, '--rename users.nothing=mail matches nothing'],
    [{ renames: ['users.email=nothing'] }, '--rename users.email=nothing matches nothing'],
    [{ renames: ['nowhere.email=mail'] }, '--rename nowhere.email=mail matches nothing'],
    [{ renames: ['email=mail'] }, '--rename email=mail matches nothing'],
    [{ renames: ['users.id=mail'] }, '--rename users.id=mail matches nothing'],
    [{ renames: ['users.email=mail', 'users.email=mail'] }, 'matches nothing'],
    [{ renames: ['users.email'] }, 'write table.old=new'],
    [{ renames: ['a=b=c'] }, 'write table.old=new'],
    [{ renames: ['users.email=mail'], drops: ['users.email'] }, '--drop users.email matches nothing'],
    [{ drops: ['users.email', 'notes'] }, '--drop notes matches nothing'],
  ])('R7: refuses %j', (flags, message) =>
    inWorkshop(async (workshop) => {
      await workshop.generate({ users })
      await expect(workshop.generate({ usersWithMail }, flags)).rejects.toThrow(message)
      await expect(workshop.generate({ usersWithMail }, flags)).rejects.toBeInstanceOf(GenerateOptionError)
      expect(await readdir(workshop.directory)).toHaveLength(2)
    }),
  )

  it('R8: names outside of public carry their schema', () =>
    inWorkshop(async (workshop) => {
      const app = pgSchema('app')
      const before = { app, users, notes: app.table('notes', { title: text() }) }
      const after = { app, users, memos: app.table('memos', { heading: text() }) }
      await workshop.generate(before)
      await expect(workshop.generate(after)).rejects.toThrow('--rename app.notes=app.memos')
      await expect(
        workshop.generate({ ...after, users: people }, { renames: ['app.notes=people'] }),
      ).rejects.toThrow('no new table people in the same schema')
      const { up } = await workshop.parts(after, {
        renames: ['app.notes=app.memos', 'app.memos.title=heading'],
      })
      expect(up).toEqual([
        'ALTER TABLE "app"."notes" RENAME TO "memos";',
        'ALTER TABLE "app"."memos" RENAME COLUMN "title" TO "heading";',
      ])
      await prove(workshop)
    }))
})

describe('statements that PostgreSQL accepts in this order, without CASCADE', () => {
  it('O1: drops tables that refer to each other, in a chain and in a circle', () =>
    inWorkshop(async (workshop) => {
      const a = pgTable('a', { id: uuid().primaryKey(), b: uuid().references((): AnyPgColumn => b.id) })
      const b = pgTable('b', { id: uuid().primaryKey(), a: uuid().references((): AnyPgColumn => a.id) })
      const c = pgTable('c', {
        id: uuid().primaryKey(),
        a: uuid().references(() => a.id),
        c: uuid().references((): AnyPgColumn => c.id),
      })
      await workshop.generate({ users, a, b, c })
      const { up } = await workshop.parts({ users })
      expect(up.filter((statement) => statement.startsWith('DROP'))).toEqual([
        'DROP TABLE "c";',
        'DROP TABLE "a";',
        'DROP TABLE "b";',
      ])
      await prove(workshop)
    }))

  it('O2: changes types, schemas, views, policies and keys at once', () =>
    inWorkshop(async (workshop) => {
      const before = () => {
        const mood = pgEnum('mood', ['happy', 'sad'])
        const app = pgSchema('app')
        const teams = app.table('teams', { id: serial().primaryKey(), code: text() }, (t) => [
          unique('code').on(t.code),
        ])
        const members = pgTable(
          'members',
          { id: integer().primaryKey(), team: integer().references(() => teams.id), mood: mood() },
          (t) => [pgPolicy('own', { using: sql`${t.id} > 0` })],
        )
        const view = pgView('happy').as((query) => query.select({ id: members.id }).from(members))
        return { mood, app, teams, members, view }
      }
      const after = () => {
        const state = pgEnum('state', ['on', 'off'])
        const org = pgSchema('org')
        const groups = org.table('groups', { code: bigint({ mode: 'number' }).notNull().unique() })
        const members = pgTable(
          'members',
          {
            id: integer(),
            team: bigint({ mode: 'number' }).references(() => groups.code, { onDelete: 'cascade' }),
            state: state(),
          },
          (t) => [primaryKey({ columns: [t.id, t.team] }), pgPolicy('own', { using: sql`${t.id} > 1` })],
        )
        const view = pgView('happy').as((query) =>
          query.select({ id: members.id, state: members.state }).from(members),
        )
        return { state, org, groups, members, view }
      }
      await workshop.generate(before())
      await workshop.generate(after(), { drops: ['app.teams', 'members.mood'] })
      await prove(workshop)
    }))

  it('O3: a view over what is renamed is made anew under the names of its time', () =>
    inWorkshop(async (workshop) => {
      const over = (table: typeof users | typeof people): Models => ({
        table,
        view: pgView('addresses').as((query) => query.select({ email: table.email }).from(table)),
      })
      await workshop.generate(over(users))
      await workshop.generate(over(people), { renames: ['users=people'] })
      await prove(workshop)
    }))

  it('O4: a primary key that drizzle-kit has no name for', () =>
    inWorkshop(async (workshop) => {
      const app = pgSchema('app')
      const keyed = {
        app,
        one: pgTable('one', { a: integer().primaryKey() }),
        two: app.table('two', { a: integer().primaryKey() }),
      }
      const free = {
        app,
        one: pgTable('one', { a: integer().notNull() }),
        two: app.table('two', { a: integer().notNull() }),
      }
      await workshop.generate(keyed)
      expect((await workshop.parts(free)).up).toEqual([
        'ALTER TABLE "one" DROP CONSTRAINT "one_pkey";',
        'ALTER TABLE "app"."two" DROP CONSTRAINT "two_pkey";',
      ])
      await prove(workshop)
    }))
})
