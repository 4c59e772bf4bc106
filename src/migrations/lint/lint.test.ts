import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LINT_CODES } from './codes.ts'
import { lintMigrations } from './lint.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-lint-'))
})
afterAll(() => rm(directory, { recursive: true }))

const BASE = `CREATE TABLE notes (id int PRIMARY KEY, title varchar(20), body text, CONSTRAINT short CHECK (id > 0));
CREATE INDEX notes_title ON notes (title);`
const FILE = '20260102000000_change.sql'

/** Lints one file on top of a schema that is live. */
async function lint(up: string, { down = 'SELECT 1;', marker = '' } = {}) {
  const { files: _, ...report } = await lintTexts(up, down, marker)
  return report
}

async function lintTexts(up: string, down: string, marker: string) {
  await writeFile(
    join(directory, '20260101000000_base.sql'),
    `-- migrate:up\n${BASE}\n-- migrate:down\nSELECT 1;\n`,
  )
  const way = down === '' ? '' : `-- migrate:down\n${down}\n`
  await writeFile(join(directory, FILE), `-- migrate:up${marker}\n${up}\n${way}`)
  return await lintMigrations(directory)
}

const HURTS: readonly (readonly [code: string, sql: string])[] = [
  ['add-column-not-null', 'ALTER TABLE notes ADD COLUMN slug text NOT NULL'],
  ['add-column-not-null', 'alter table if exists public."notes" add slug text not null'],
  ['add-column-rewrite', 'ALTER TABLE notes ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid()'],
  ['alter-column-type', 'ALTER TABLE notes ALTER COLUMN id TYPE bigint'],
  ['set-not-null', 'ALTER TABLE notes ALTER COLUMN body SET NOT NULL'],
  ['rewrite-table', 'ALTER TABLE notes SET LOGGED'],
  ['add-foreign-key', 'ALTER TABLE notes ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES notes (id)'],
  ['add-check', "ALTER TABLE notes ADD CONSTRAINT full_title CHECK (title <> '')"],
  ['add-unique', 'ALTER TABLE notes ADD CONSTRAINT one_title UNIQUE (title)'],
  ['add-exclusion', 'ALTER TABLE notes ADD CONSTRAINT apart EXCLUDE USING gist (id WITH =)'],
  ['create-index', 'CREATE UNIQUE INDEX ON notes (body)'],
  ['drop-index', 'DROP INDEX notes_title'],
  ['reindex', 'REINDEX TABLE notes'],
  ['refresh-view', 'REFRESH MATERIALIZED VIEW totals'],
  ['rename-table', 'ALTER TABLE notes RENAME TO remarks'],
  ['rename-column', 'ALTER TABLE notes RENAME COLUMN body TO words'],
  ['drop-column', 'ALTER TABLE notes ADD COLUMN more text, DROP COLUMN body'],
  ['drop-table', 'DROP TABLE notes'],
  ['unbounded-write', "UPDATE notes SET body = ''"],
  ['truncate', 'TRUNCATE notes'],
  ['lock-table', 'LOCK TABLE notes'],
]

const HARMLESS = [
  'ALTER TABLE notes ADD COLUMN slug text',
  "ALTER TABLE notes ADD COLUMN slug text NOT NULL DEFAULT ''",
  'ALTER TABLE notes ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now()',
  'ALTER TABLE notes ALTER COLUMN title TYPE text',
  'ALTER TABLE notes ALTER COLUMN title TYPE varchar(40)',
  'ALTER TABLE notes ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES notes (id) NOT VALID',
  "UPDATE notes SET body = '' WHERE id = 1",
  'CREATE TABLE tags (id int); CREATE INDEX ON tags (id); ALTER TABLE tags ADD COLUMN x int NOT NULL',
  "COMMENT ON TABLE notes IS 'DROP TABLE notes; TRUNCATE notes'",
  '/* DROP TABLE notes */ SELECT $x$ ALTER TABLE notes RENAME TO gone $x$',
]

describe('the lint', () => {
  it.each(HURTS)('finds %s in: %s', async (code, sql) => {
    const { findings } = await lint(`${sql};`)
    expect(findings.map((finding) => finding.code)).toEqual([code])
    expect(findings[0]).toMatchObject({ fileName: FILE, line: 2 })
    expect(findings[0]?.better).not.toBe('')
  })

  it.each(HARMLESS)('finds nothing in: %s', async (sql) => {
    expect(await lint(`${sql};`)).toEqual({ findings: [], allowed: [] })
  })

  it('finds what cannot run inside of a transaction', async () => {
    const sql = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS notes_body ON notes (body);'
    expect((await lint(sql)).findings).toMatchObject([{ code: 'needs-transaction-false' }])
    expect((await lint(sql, { marker: ' transaction:false' })).findings).toEqual([])
  })

  it('finds a file without a way back', async () => {
    const { findings } = await lint('SELECT 1;', { down: '' })
    expect(findings).toMatchObject([{ code: 'missing-down' }])
  })

  it('lets a comment with a reason allow it, and finds one without', async () => {
    const allowed = await lint('-- lint: allow truncate because it is a cache\nTRUNCATE notes;')
    expect(allowed).toMatchObject({ findings: [], allowed: [{ code: 'truncate', reason: 'it is a cache' }] })
    const bare = await lint('-- lint: allow truncate\nTRUNCATE notes;')
    expect(bare.findings.map(({ code }) => code).sort()).toEqual(['bad-permission', 'truncate'])
    const useless = await lint('-- lint: allow truncate because of nothing\nSELECT 1;')
    expect(useless.findings).toMatchObject([{ code: 'bad-permission' }])
  })

  it('does not look at the first file, in which nothing is live', async () => {
    await writeFile(
      join(directory, '20250101000000_first.sql'),
      '-- migrate:up\nTRUNCATE notes;\n-- migrate:down\nSELECT 1;\n',
    )
    const { findings } = await lintMigrations(directory, ['20250101000000_first.sql'])
    await rm(join(directory, '20250101000000_first.sql'))
    expect(findings).toEqual([])
  })

  it('has a case for each of its codes here', () => {
    const elsewhere = [
      'needs-transaction-false',
      'missing-down',
      'bad-permission',
      'file-refused',
      'validate-at-once',
    ]
    expect([...new Set([...HURTS.map(([code]) => code), ...elsewhere])].sort()).toEqual(
      [...LINT_CODES].sort(),
    )
  })
})
