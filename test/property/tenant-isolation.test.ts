import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs } from '../support/effort.ts'
import { inTenant } from '../support/rows.ts'

const TENANTS = 4

interface Tenant {
  readonly id: string
  readonly user: SignedInUser
  /** What its user wrote last. */
  metadata: object
}

let test: CheckedPlatform
const tenants: Tenant[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { TENANT_CONNECTIONS: '2', TENANT_CONNECTIONS_PER_TENANT: '1' } })
  const owner = await test.api.register()
  const email = `${unique('same')}@example.com`
  for (let index = 0; index < TENANTS; index++) {
    const { id } = await test.api.createOrganization(owner)
    const metadata = { canary: test.plant(id) }
    const user = await test.api.register({ email, tenantId: id })
    await test.api.put('/users/me', { metadata }, { token: user.token, tenantId: id })
    tenants.push({ id, user, metadata })
  }
})
afterAll(() => test.close())

const tenant = fc.nat(TENANTS - 1)
const step = fc.record({
  token: tenant,
  header: tenant,
  write: fc.boolean(),
})

it('B9 B12 tenant A’s token never reads or changes tenant B, in whatever order and how many at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 6 }),
      async (rounds) => {
        for (const round of rounds) await Promise.all(oneWriteEach(round).map(take))
      },
    ),
    { numRuns: runs(30) },
  )
  for (const { id, metadata } of tenants) {
    const rows = await inTenant(test.platform, id, sql`SELECT metadata FROM users WHERE NOT is_owner`)
    expect(rows).toEqual([{ metadata }])
  }
})

interface Step {
  readonly token: number
  readonly header: number
  readonly write: boolean
}

/** Of two writes to one tenant at once nobody knows which comes last. */
function oneWriteEach(round: readonly Step[]): Step[] {
  const written = new Set<number>()
  return round.map((one) => {
    const write = one.write && one.token === one.header && !written.has(one.token)
    if (write) written.add(one.token)
    return { ...one, write: write || (one.write && one.token !== one.header) }
  })
}

async function take({ token, header, write }: Step): Promise<void> {
  const [holder, target] = [tenants[token] as Tenant, tenants[header] as Tenant]
  const call = { token: holder.user.token, tenantId: target.id }
  const metadata = { canary: test.plant(holder.id) }
  const reply = write
    ? await test.api.put('/users/me', { metadata }, call)
    : await test.api.get('/users/me', call)
  if (holder !== target) {
    expect(reply).toMatchObject({ status: 403, body: { code: 'tenant-mismatch' } })
    return
  }
  expect(reply).toMatchObject({ status: 200, body: { id: holder.user.id, email: holder.user.email } })
  if (write) holder.metadata = metadata
}
