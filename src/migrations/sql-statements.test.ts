import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitStatements } from './sql-statements.ts'

function texts(sql: string): string[] {
  return splitStatements(sql).map(({ start, end }) => sql.slice(start, end))
}

/** Statements with a semicolon, quote or comment where it ends nothing. */
const TRICKY = [
  `SELECT ';'`,
  `SELECT 'it''s; fine'`,
  `SELECT '\\'`,
  `SELECT E'\\'; still text'`,
  `SELECT E'one'\n  '\\';two'`,
  `SELECT e'a''b;\\\\'`,
  `SELECT U&'\\0441;', N'x;', B'01', X'1F'`,
  `SELECT 1 AS ";""; --"`,
  'SELECT $$;$$',
  'SELECT $body$ $$ ; $other$ ; $body$',
  'SELECT $größe$;$größe$',
  'SELECT a$b$c',
  'SELECT $1, a[1:2]',
  'SELECT 1 -- a ; b\n + 1',
  'SELECT /* ; /* nested ; */ ; */ 2',
  'SELECT 5 -/* ; */- 3',
  'CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END',
  'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END',
  `DO $$ BEGIN PERFORM 1; END $$`,
  'SELECT "begin", "end" FROM t',
]

describe('splitStatements', () => {
  it.each(TRICKY)('S1: keeps in one piece: %s', (statement) => {
    expect(texts(`${statement};`)).toEqual([statement])
  })

  it('S2: gives back, in order, whatever statements were joined with semicolons and comments', () => {
    const between = fc.constantFrom(';', ' ;\n', '; -- a ; b\n', ';/* ; */', ';;\n;')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...TRICKY), between)), (parts) => {
        const sql = parts.map(([statement, separator]) => statement + separator).join('')
        expect(texts(sql)).toEqual(parts.map(([statement]) => statement))
      }),
    )
  })

  it('S3: ends on every text, with statements that do not overlap or with a reason', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '$$',
      '$a$',
      '/*',
      '*/',
      '--',
      '\n',
      ';',
      'E',
      '\\',
      'x',
      '(',
      ')',
      ' ',
      '😀',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          const statements = splitStatements(pieces.join(''))
          const edges = statements.flatMap(({ start, end }) => [start, end])
          expect(edges).toEqual([...edges].sort((one, other) => one - other))
        } catch (error) {
          expect(String(error)).toMatch(/^TextError: unterminated/)
        }
      }),
    )
  })

  it.each([
    ["SELECT 1;\nSELECT 'open", 'unterminated string', 17],
    ['SELECT "open', 'unterminated identifier', 7],
    ["SELECT 'it''s", 'unterminated string', 7],
    ['/* /* */', 'unterminated comment', 0],
    ['SELECT $a$ $b$', 'unterminated dollar quote $a$', 7],
    ["SELECT E'\\'", 'unterminated string', 7],
  ])('S4: says where it began: %s', (sql, message, offset) => {
    expect(() => splitStatements(sql)).toThrow(expect.objectContaining({ message, offset }))
  })

  it('S5: finds nothing in comments and space', () => {
    expect(texts(' -- a\n/* b */ ;; ')).toEqual([])
  })

  it('S6: does not slow down on a long text', () => {
    const rows = Array.from({ length: 50_000 }, (_, row) => `INSERT INTO t VALUES ('it''s ${row}');`)
    expect(texts(rows.join('\n'))).toHaveLength(50_000)
    expect(texts(`SELECT E'a' ${'-'.repeat(100_000)}\n+ 1`)).toHaveLength(1)
    expect(texts(`SELECT '${"''".repeat(200_000)}'`)).toHaveLength(1)
  })
})
