import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs } from '../support/effort.ts'
import { countCoreQueries } from '../support/rows.ts'

let test: CheckedPlatform
let member: SignedInUser
let [own, foreign] = ['', '']
beforeAll(async () => {
  test = await startCheckedPlatform()
  const owner = await test.api.register()
  own = (await test.api.createOrganization(owner)).id
  foreign = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, own)
})
afterAll(() => test.close())

/** What a header may hold on its way through HTTP. */
const headerText = fc.string({
  unit: fc.mapToConstant({ num: 95, build: (code) => String.fromCharCode(32 + code) }),
  maxLength: 80,
})
const hex = fc.constantFrom(...'0123456789abcdefABCDEF')
const id = fc.uuid()

/** Edits of the token's own id: one character changed, left out, put in, or the case turned. */
const nearlyOwn = fc
  .tuple(fc.nat(35), fc.constantFrom('change', 'leave out', 'put in', 'turn'), hex)
  .map(([at, edit, letter]) => {
    const [head, tail] = [own.slice(0, at), own.slice(at + 1)]
    if (edit === 'change') return `${head}${letter}${tail}`
    if (edit === 'leave out') return `${head}${tail}`
    if (edit === 'put in') return `${head}${letter}${own.slice(at)}`
    return `${head}${(own[at] ?? '').toUpperCase()}${tail}`
  })
const around = fc.tuple(headerText, headerText).map(([before, after]) => `${before}${own}${after}`)
const others = fc
  .constantFrom(
    () => foreign,
    newId,
    () => own.toUpperCase(),
    () => `${own},${own}`,
  )
  .map((make) => make())

it('B1 B4 whatever the header holds, but for the token’s own tenant: 400 or 403, and nothing is looked up', async () => {
  const header = fc.oneof(headerText, id, nearlyOwn, around, others)
  const queries = countCoreQueries(test.platform)
  const before = test.platform.tenancy.connections().open
  await fc.assert(
    fc.asyncProperty(header, fc.constantFrom('GET', 'PUT'), async (tenantId, method) => {
      fc.pre(tenantId !== own)
      const call = { token: member.token, tenantId }
      const { status, body } = await test.api.send(
        method as 'GET' | 'PUT',
        '/api/v1/users/me',
        method === 'GET' ? undefined : { phone: '666' },
        call,
      )
      expect([400, 403]).toContain(status)
      expect(['tenant-header-invalid', 'tenant-mismatch']).toContain(body.code)
      // Refused without a look anywhere, hundreds of them would be one turn of the event loop: it would count as blocked.
      await nextTurn()
    }),
    { numRuns: runs(400) },
  )
  queries.stop()
  expect(queries.count).toBe(0)
  expect(test.platform.tenancy.connections().open).toBe(before)
  const me = await test.api.get('/users/me', { token: member.token, tenantId: own })
  expect(me).toMatchObject({ status: 200, body: { phone: null } })
})

it('B4 without a token, too: a header that is no id never gets as far as an account', async () => {
  const credentials = { email: member.email, password: member.password }
  await fc.assert(
    fc.asyncProperty(fc.oneof(headerText, nearlyOwn, around), async (tenantId) => {
      fc.pre(tenantId !== own)
      const { status } = await test.api.post('/auth/login', credentials, { tenantId })
      expect([400, 404]).toContain(status)
    }),
    { numRuns: runs(100) },
  )
})
