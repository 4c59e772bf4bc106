import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printMigration } from './migration.ts'
import { parseMigration } from './parse.ts'

const FILE = '20260102030405_notes.sql'

/** Parses in the middle of one file, where only the text matters. */
function problemOf(content: string, fileName = FILE): string {
  try {
    parseMigration(fileName, content)
    return 'none'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('parseMigration', () => {
  it('P1: takes a file apart', () => {
    const text =
      '-- Notes.\n\n-- migrate:up\nCREATE TABLE notes ();\n\n' +
      '-- migrate:down transaction:false\nDROP TABLE notes;\n'
    const migration = parseMigration(FILE, text)
    expect(migration).toMatchObject({ version: '20260102030405', name: 'notes', fileName: FILE, text })
    expect(migration.up).toMatchObject({ sql: 'CREATE TABLE notes ();\n\n', transaction: true })
    expect(migration.down).toMatchObject({ sql: 'DROP TABLE notes;\n', transaction: false })
    for (const section of [migration.up, migration.down]) {
      expect(text.slice(section?.offset)).toMatch(new RegExp(`^${section?.sql.slice(0, 6)}`))
    }
  })

  it('P2: takes no notice of line endings and a byte order mark', () => {
    const text = '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n'
    expect(parseMigration(FILE, `\uFEFF${text.replaceAll('\n', '\r\n')}`)).toEqual(parseMigration(FILE, text))
  })

  it('P3: an empty down part is no way back', () => {
    expect(
      parseMigration(FILE, '-- migrate:up\nSELECT 1;\n-- migrate:down\n-- nothing\n').down,
    ).toBeUndefined()
  })

  it.each([
    ['SELECT 1;', 1, 'there is no line "-- migrate:up"'],
    ['', 1, 'there is no line "-- migrate:up"'],
    ['-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;', 3, 'there are two lines "-- migrate:up"'],
    [
      '-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate:down',
      4,
      'there are two lines "-- migrate:down"',
    ],
    ['-- migrate:down\n-- migrate:up\nSELECT 1', 1, 'must come after "-- migrate:up"'],
    ['-- fine\nSELECT 0;\n-- migrate:up\nSELECT 1;', 2, 'only comments may stand before'],
    ['-- x\n-- migrate:up\n-- nothing\n', 2, 'there is no statement after "-- migrate:up"'],
    ['-- migrate:up\nSELECT 1;\n -- migrate:down\nSELECT 2;', 3, 'not a marker'],
    ['-- migrate:up\nSELECT 1;\n-- Migrate: Down\nSELECT 2;', 3, 'not a marker'],
    ['-- migrate:up transaction:no\nSELECT 1;', 1, 'unknown option "transaction:no"'],
    [`-- migrate:up\nSELECT 1;\nSELECT 'open;\n`, 3, 'unterminated string'],
    [
      '-- migrate:up\nSELECT 1;\n\nCOMMIT;\nSELECT 2;',
      4,
      'COMMIT: the engine opens and ends the transaction',
    ],
    ['-- migrate:up transaction:false\nVACUUM;\nANALYZE;', 3, 'transaction:false takes one statement'],
    ['-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON t (a);', 2, 'name the index'],
  ])('P4: refuses %j in line %i', (content, line, reason) => {
    expect(problemOf(content)).toContain(`${FILE}:${line}: `)
    expect(problemOf(content)).toContain(reason)
  })

  it.each([
    'BEGIN',
    'begin work',
    'START TRANSACTION',
    'END',
    'ROLLBACK',
    'Abort',
    "PREPARE TRANSACTION 'x'",
  ])('P5: refuses transaction control: %s', (statement) => {
    expect(problemOf(`-- migrate:up\nSELECT 1; ${statement};`)).toContain(':2: ')
  })

  it.each([
    'SAVEPOINT a; ROLLBACK TO a',
    'ROLLBACK WORK TO SAVEPOINT a',
    'DO $$ BEGIN NULL; END $$',
    'PREPARE p AS SELECT 1',
  ])('P6: allows %s', (statement) => {
    expect(problemOf(`-- migrate:up\n${statement};`)).toBe('none')
  })

  it('P7: a comment may speak of migrating', () => {
    expect(problemOf('-- migrate the notes\n-- migrate:up\nSELECT 1;')).toBe('none')
  })

  it.each([
    ['2026010203040_notes.sql', 'the file must be called'],
    ['20260102030405-notes.sql', 'the file must be called'],
    ['20260102030405_Notes.sql', 'the file must be called'],
    ['20260102030405_notes.SQL', 'the file must be called'],
    ['20260231000000_notes.sql', '20260231000000 is not a date'],
    ['20261301000000_notes.sql', '20261301000000 is not a date'],
    ['20260101240000_notes.sql', '20260101240000 is not a date'],
  ])('P8: refuses the name %s', (fileName, reason) => {
    expect(problemOf('-- migrate:up\nSELECT 1;', fileName)).toContain(`${fileName}:1: `)
    expect(problemOf('-- migrate:up\nSELECT 1;', fileName)).toContain(reason)
  })

  it('P9: printing and parsing are each other’s inverse', () => {
    const statement = fc.constantFrom(
      'CREATE TABLE t (a int)',
      `INSERT INTO t VALUES ('-- migrate:down')`,
      'SELECT $x$;\n -- migrate\n$x$',
      '-- a comment\nSELECT "ü;" /* ; */',
    )
    const part = fc.record({
      sql: fc
        .array(statement, { minLength: 1, maxLength: 4 })
        .map((statements) => `${statements.join(';\n\n')};`),
      transaction: fc.constant(true),
    })
    const alone = fc.record({ sql: statement, transaction: fc.constant(false) })
    const section = fc.oneof(part, alone)
    fc.assert(
      fc.property(section, fc.option(section, { nil: undefined }), (up, down) => {
        const text = printMigration({ up, down })
        const parsed = parseMigration(FILE, text)
        expect(parsed.up).toMatchObject({ sql: expect.stringContaining(up.sql), transaction: up.transaction })
        expect(parsed.down?.sql.trim()).toBe(down?.sql)
        expect(printMigration(parsed)).toBe(text)
        expect(parseMigration(FILE, printMigration(parsed))).toEqual(parsed)
      }),
    )
  })
})
