import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'

/** Five in production, ten times as many in a test. */
const PER_DAY = 50
const ALMOST_ALL = PER_DAY - 3

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { RATE_LIMITS: 'on', SPARE_DATABASES: '0' } })
  owner = await test.api.register()
})
afterAll(() => test.close())

/** Organizations of a user that were made so long ago; they have no database. */
async function makeUp(count: number, ago: string): Promise<void> {
  await inCore(
    test.platform,
    sql`WITH made AS (
          INSERT INTO tenants (id, server_id, database_name, status)
          SELECT id, (SELECT id FROM servers), 'tenant_' || id, 'suspended'
          FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${count})) AS ids RETURNING id)
        INSERT INTO organizations (id, name, slug, owner_id, created_at)
        SELECT id, 'made up', 'made-up-' || id, ${owner.id}, now() - ${ago}::interval FROM made`,
  )
}

const create = (user: SignedInUser) =>
  test.api.post('/organizations', { name: unique('Flood') }, { token: user.token })

describe('I7 a flood of organizations', () => {
  it('ends at the limit of its user, exactly, though all come at once, and says when there may be more', async () => {
    await makeUp(PER_DAY, '24 hours 1 second')
    await makeUp(ALMOST_ALL, '23 hours')
    const replies = await atOnce(8, () => create(owner))
    const made = replies.filter(({ status }) => status === 201)
    const refused = replies.filter(({ status }) => status === 429)
    expect([made.length, refused.length]).toEqual([PER_DAY - ALMOST_ALL, 8 - (PER_DAY - ALMOST_ALL)])
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ code: 'rate-limited', detail: expect.stringContaining(`${PER_DAY}`) })
      expect(Number(headers['retry-after'])).toBeGreaterThan(3_500)
      // Of what refused it, not of the limit for each network, which it had kept.
      expect(headers).toMatchObject({
        ratelimit: `"organizations-per-day";r=0;t=${headers['retry-after']}`,
        'ratelimit-policy': `"organizations-per-day";q=${PER_DAY};w=86400`,
      })
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(3_600)
    }
    const [row] = await inCore(
      test.platform,
      sql`SELECT count(*)::int AS made FROM organizations WHERE owner_id = ${owner.id} AND created_at > now() - interval '1 day'`,
    )
    expect(row).toEqual({ made: PER_DAY })
  })

  it('does not stop others, nor what its user already has', async () => {
    const other = await test.api.register()
    expect(await create(other)).toMatchObject({ status: 201 })
    expect((await test.api.get('/organizations/me', { token: owner.token })).status).toBe(200)
  })
})

it('I2 a password of a megabyte is refused before anything is done with it', async () => {
  const password = 'a'.repeat(1024 * 1024)
  for (const path of ['/auth/register', '/auth/login']) {
    const reply = await test.api.post(path, { email: owner.email, password })
    expect(reply).toMatchObject({ status: 413, body: { code: 'payload-too-large' } })
  }
  const reply = await test.api.post('/auth/login', { email: owner.email, password: 'a'.repeat(1_025) })
  expect(reply).toMatchObject({ status: 422, body: { code: 'validation-failed' } })
})
