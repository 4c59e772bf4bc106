import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/platform/index.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

const TIMES = 100_000
const AT_ONCE = 50

let test: TestPlatform
beforeAll(async () => {
  test = await startPlatform({ env: { SPARE_DATABASES: '0' }, log: silentLogger })
})
afterAll(() => test.close())

it(`A23 two tokens of two tenants, ${TIMES} times in turn, never stand for each other`, async () => {
  const owner = await test.api.register()
  const people: { readonly tenantId: string; readonly token: string; readonly id: string }[] = []
  for (let made = 0; made < 2; made++) {
    const tenantId = (await test.api.createOrganization(owner)).id
    people.push({ tenantId, ...(await test.api.register({ tenantId })) })
  }
  let mixed = 0
  for (let done = 0; done < TIMES; done += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const { tenantId, token, id } = people[index % 2] as (typeof people)[number]
        const { statusCode, payload } = await test.app.inject({
          url: '/api/v1/users/me',
          headers: { authorization: `Bearer ${token}`, 'x-tenant-id': tenantId },
        })
        if (statusCode !== 200 || JSON.parse(payload).id !== id) mixed++
      }),
    )
  expect(mixed).toBe(0)
})
