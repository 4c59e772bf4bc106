import { join } from 'node:path'
import { expect, it } from 'vitest'
import { call } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { expectRegistryWhole, untilAllIsDone } from '../acceptance/support/registry.ts'
import { CORE, joinIn, moveIn, readProfile, startHouse } from './support/house.ts'
import { mountSmallDisk } from './support/small-disk.ts'

/** For a template and two clones of it. */
const MEGABYTES = 40

it('K20 no disk is left for a new database: 503 and no half of one; with room the same request makes it', {
  timeout: 90_000,
}, async ({ skip }) => {
  await using house = await startHouse({ SPARE_DATABASES: '0' })
  using disk = mountSmallDisk(join(house.place.path, 'small-disk'), MEGABYTES)
  if (!disk) return skip('a small disk cannot be mounted here: this user may not')
  const early = await moveIn(house, 'Early')
  const asAdmin = (statement: string) =>
    house.postgres.asAdmin(async (admin) => (await admin.query(statement)).rows)
  await asAdmin(`CREATE TABLESPACE small LOCATION '${disk.path}'`)
  const [template] = await asAdmin(
    "SELECT datname FROM pg_database WHERE datname LIKE 'tenantry\\_template%'",
  )
  // Clones lie where their template does.
  await asAdmin(`ALTER DATABASE "${template.datname}" SET TABLESPACE small`)
  const ask = () =>
    call(house.server.url, 'POST /organizations', { token: house.ownerToken, body: { name: 'Late' } })

  disk.fill()
  for (let turn = 0; turn < 3; turn++) {
    const { status, body, headers } = await ask()
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'database-unavailable' })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await asAdmin("SELECT datname FROM pg_database WHERE datname LIKE 'tenant\\_%'")).toEqual([
      { datname: early.databaseName },
    ])
    expect((await readProfile(house.server, early)).status).toBe(200)
  }

  disk.clear()
  const made = await eventually('the organization', async () => {
    const { status, body } = await ask()
    if (status !== 201) expect(status).toBe(503)
    return status === 201 && body
  })
  await joinIn(house.server, made.id)
  const registry = { adminUrl: house.postgres.adminUrl, core: CORE }
  await untilAllIsDone(registry)
  await house.postgres.asAdmin(
    (admin) => admin.query('DELETE FROM users WHERE NOT is_owner'),
    `tenant_${made.id}`,
  )
  await house.postgres.asAdmin(
    (admin) => admin.query('DELETE FROM users WHERE NOT is_owner'),
    early.databaseName,
  )
  expect((await expectRegistryWhole(registry)).organizations).toEqual(['early', 'late'])
  // Before the disk goes, what lies on it.
  await house.server.stop()
  await house.postgres.stop()
})
