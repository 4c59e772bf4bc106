import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { BatchError, runBatch } from './batch.ts'
import { splitStatements } from './sql-statements.ts'

/** The server splits these too; the place of a failure depends on both coming to the same number. */
const STATEMENTS = [
  `SELECT ';'`,
  `SELECT E'\\';', E'one'\n  '\\';two'`,
  `SELECT U&'\\0441;', N'x;', B'01', X'1F'`,
  'SELECT $$;$$, $ü$;$ü$ -- ; \n',
  'SELECT /* ; /* ; */ */ 1 AS "a;"',
  'CREATE TABLE t (a int)',
  'CREATE TABLE u (a int)',
  'CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); INSERT INTO u VALUES (2))',
  'INSERT INTO t VALUES (1)',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END',
  'DO $$ BEGIN PERFORM 1; PERFORM 2; END $$',
  'SELECT f()',
]

describe('runBatch', () => {
  it('B1: gives one result a statement, and counts those that ended when one fails', async () => {
    const { url, drop } = await createTestDatabase()
    try {
      await withConnection(
        { url, applicationName: 'batch tests', timeouts: MAINTENANCE_TIMEOUTS },
        async (connection) => {
          const sql = STATEMENTS.join(';;')
          expect(splitStatements(sql)).toHaveLength(STATEMENTS.length)
          expect(await runBatch(connection, `BEGIN;${sql};ROLLBACK`)).toHaveLength(STATEMENTS.length + 2)

          const failing = runBatch(connection, `${sql}; SELECT 1/0; SELECT 2`)
          await expect(failing).rejects.toBeInstanceOf(BatchError)
          await expect(failing).rejects.toMatchObject({
            completed: STATEMENTS.length,
            cause: { code: '22012' },
          })
          expect(await runBatch(connection, 'SELECT 1 AS one')).toMatchObject([{ rows: [{ one: 1 }] }])
        },
      )
    } finally {
      await drop()
    }
  })
})
