import { randomBytes } from 'node:crypto'
import { afterAll, expect, inject, it } from 'vitest'
import { MAINTENANCE_TIMEOUTS, withConnection, withDatabase } from './connection.ts'
import { ensureDatabase } from './ensure-database.ts'

const name = `test_${randomBytes(6).toString('hex')}`
// The embedded server lets the platform's role into no database `postgres`, from where a missing one is made.
const server = inject('postgresAdminUrl') ?? inject('postgresUrl')
const url = withDatabase(server, name)
const options = { applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS }
afterAll(() =>
  withConnection({ ...options, url: server }, (connection) =>
    connection.query(`DROP DATABASE IF EXISTS ${name}`),
  ),
)

it('makes a database once, closed to PUBLIC, when many ask at the same moment', async () => {
  await Promise.all(Array.from({ length: 8 }, () => ensureDatabase(url)))
  const open = await withConnection({ ...options, url }, async (connection) => {
    const { rows } = await connection.query(
      `SELECT grantee FROM pg_database, aclexplode(datacl) WHERE datname = $1 AND grantee = 0`,
      [name],
    )
    return rows
  })
  expect(open).toEqual([])
  await ensureDatabase(url)
})
