import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually } from '../acceptance/support/poll.ts'
import { changeProfile, moveIn, readProfile, startHouse } from './support/house.ts'
import { mountSmallDisk } from './support/small-disk.ts'

const MEGABYTES = 24
/** As much as a profile may hold and as little as can be compressed. */
const long = (seed: number) =>
  Array.from({ length: 1_200 }, (_, index) =>
    Math.sin(seed * 7919 + index)
      .toString(36)
      .slice(-10),
  ).join('')

it('J18 the disk of one tenant is full: writes hear 503, reads and others are served, nothing is lost', {
  timeout: 90_000,
}, async ({ skip }) => {
  await using house = await startHouse()
  using disk = mountSmallDisk(join(house.place.path, 'small-disk'), MEGABYTES)
  if (!disk) return skip('a small disk cannot be mounted here: this user may not')
  const [hit, other] = [await moveIn(house, 'Hit'), await moveIn(house, 'Other')]
  await house.postgres.asAdmin((admin) => admin.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`))
  await house.postgres.asAdmin(
    (admin) => admin.query('ALTER TABLE users SET TABLESPACE small'),
    hit.databaseName,
  )

  disk.fill()
  let acknowledged = {}
  let count = 0
  const problem = await eventually('the disk to be full', async () => {
    const metadata = { count: ++count, long: long(count) }
    const { status, body } = await changeProfile(house.server, hit, { metadata })
    if (status === 200) acknowledged = metadata
    return status === 200 ? undefined : { status, code: body.code }
  })
  expect(problem).toEqual({ status: 503, code: 'database-unavailable' })
  expect(await readProfile(house.server, hit)).toMatchObject({
    status: 200,
    body: { metadata: acknowledged },
  })
  expect((await changeProfile(house.server, other, { phone: '112' })).status).toBe(200)

  disk.clear()
  await eventually('writes again', async () => {
    return (await changeProfile(house.server, hit, { metadata: { count: 0 } })).status === 200
  })
  expect(house.server.process.ending).toBeUndefined()
  // Before the disk goes, what lies on it.
  await house.server.stop()
  await house.postgres.stop()
})
