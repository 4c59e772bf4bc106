import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { TEST_ROUTES } from '../support/sane.ts'
import { runIn } from './support/proxied-platform.ts'

/** A route whose handler runs what it is told and cleans nothing up. */
const LEAVE = `${TEST_ROUTES}leave`

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform({
    env: { TENANT_CONNECTIONS_PER_TENANT: '1' },
    extend: (app, platform) => {
      const guard = platform.tenantGuard.requires('profile.read')
      app.post(
        LEAVE,
        { onRequest: guard.onRequest, schema: { hide: true } },
        async (request): Promise<object> => {
          const { tenant } = guard.admitted(request)
          const { statement, how } = request.body as { statement: string; how: 'alone' | 'in a transaction' }
          if (how === 'alone') await tenant.orm.execute(sql.raw(statement))
          else await tenant.transaction((tx) => tx.orm.execute(sql.raw(statement)))
          return {}
        },
      )
    },
  })
  owner = await test.api.register()
})
afterAll(() => test.close())

const OWN_ADVISORY_LOCKS = `
  SELECT objid FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE datname = current_database() AND locktype = 'advisory'`

/** What the next statement on the same connection would stumble over. */
const STATEMENTS = [
  ['a table that hides another', 'CREATE TEMPORARY TABLE users ()'],
  ['an open transaction', 'BEGIN'],
  ['another search path', 'SET search_path TO nowhere'],
  ['a ban on writing', 'SET default_transaction_read_only TO on'],
  ['an advisory lock', 'SELECT pg_advisory_lock(4712)'],
] as const

describe.each(STATEMENTS)('B14 a handler leaves %s behind', (_, statement) => {
  it.each(['alone', 'in a transaction'] as const)(
    '%s: the next one finds the connection clean',
    async (how) => {
      const { id, database_name } = await test.api.createOrganization(owner)
      const { token } = await test.api.login(owner, id)
      const call = { token, tenantId: id }
      await test.api.send('POST', LEAVE, { statement, how }, { ...call, faulty: true })
      for (let again = 0; again < 3; again++) {
        const read = await test.api.get('/users/me', { ...call, faulty: true })
        expect(read).toMatchObject({ status: 200, body: { email: owner.email } })
        const written = await test.api.put('/users/me', { phone: `11${again}` }, { ...call, faulty: true })
        expect(written).toMatchObject({ status: 200, body: { phone: `11${again}` } })
      }
      expect(await runIn(database_name, OWN_ADVISORY_LOCKS)).toEqual([])
    },
  )
})
