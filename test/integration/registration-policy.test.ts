import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { admitNewMember } from '../../src/organizations/index.ts'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { enter, type LinkedPerson } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

let two: TwoProcesses
let owner: LinkedPerson
let tenantId: string
beforeAll(async () => {
  two = await startTwoProcesses()
  const person: SignedInUser = await two.one.api.register()
  tenantId = (await two.one.api.createOrganization(person)).id
  owner = await enter(two.one, tenantId, person)
})
afterAll(() => two.close())
beforeEach(async () => {
  expect((await change({ registration: 'open', allowed_email_domains: [] })).status).toBe(200)
})

const asOwner = () => ({ token: owner.tenantToken, tenantId })
const change = (changes: object) => two.one.api.patch('/organization', changes, asOwner())
const register = (email: string, caller = 0): Promise<ApiReply> =>
  two.apiOf(caller).post('/auth/register', { email, password: PASSWORD }, { tenantId })
const fresh = (domain = 'example.com') => `${unique('new')}@${domain}`

describe('the policy of an organization', () => {
  it('is open to anybody until somebody says otherwise, and every member may read it', async () => {
    const member = await two.one.api.register({ tenantId })
    const reply = await two.other.api.get('/organization', { token: member.token, tenantId })
    expect(reply).toMatchObject({
      status: 200,
      body: { id: tenantId, registration: 'open', allowed_email_domains: [] },
    })
  })

  it.each([
    ['closed', 'registration-closed'],
    ['invite', 'invitation-required'],
  ])('%s refuses registrations, of known addresses alike', async (registration, code) => {
    const known = fresh()
    expect((await register(known)).status).toBe(201)
    expect((await change({ registration })).body).toMatchObject({ registration })
    for (const email of [fresh(), known])
      for (const caller of [0, 1])
        expect(await register(email, caller)).toMatchObject({ status: 403, body: { code } })
    // Whoever is in stays in, and the platform is open as before.
    expect((await two.one.api.login({ email: known, password: PASSWORD }, tenantId)).email).toBe(known)
    expect((await two.one.api.post('/auth/register', { email: fresh(), password: PASSWORD })).status).toBe(
      201,
    )
  })

  it('D2 D4 lets addresses of its domains in, however they are spelled', async () => {
    const domains = ['Example.COM', 'bücher.example', 'example.com']
    expect((await change({ allowed_email_domains: domains })).body.allowed_email_domains).toEqual([
      'example.com',
      'xn--bcher-kva.example',
    ])
    for (const domain of ['EXAMPLE.com', 'BÜCHER.example', 'xn--bcher-kva.example'])
      expect((await register(fresh(domain))).status, domain).toBe(201)
    for (const domain of ['sub.example.com', 'example.com.evil.org', 'exаmple.com', 'notexample.com'])
      expect(await register(fresh(domain)), domain).toMatchObject({
        status: 403,
        body: { code: 'email-domain-not-allowed' },
      })
  })

  it.each([
    '',
    'example',
    '*.example.com',
    '@example.com',
    '127.0.0.1',
    'exa mple.com',
    'example.com:80',
    'a..b',
  ])('D4 takes no %j for a domain: 422', async (domain) => {
    const reply = await change({ allowed_email_domains: ['example.org', domain] })
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '/allowed_email_domains/1' }] } })
    expect((await two.one.api.get('/organization', asOwner())).body.allowed_email_domains).toEqual([])
  })

  it.each([{ registration: 'Open' }, { registration: null }, { id: 'x' }, { role: 'owner' }])(
    'G2 refuses %j: 422',
    async (changes) => {
      expect((await change(changes)).status).toBe(422)
    },
  )

  it('lets nobody in after it was closed, however many are on their way', async () => {
    for (let round = 0; round < 2; round++) {
      await change({ registration: 'open' })
      const before = await countMembers()
      const some = Promise.withResolvers<void>()
      let letIn = 0
      const registering = atOnce(8, async (index) => {
        const reply = await register(fresh(), index)
        if (reply.status === 201 && ++letIn === 2) some.resolve()
        return reply
      })
      await some.promise
      expect((await change({ registration: 'closed' })).status).toBe(200)
      // What was let in is there by now: no registration commits later.
      const closedAt = (await countMembers()) - before
      for (const { status, body } of await registering)
        if (status !== 201) expect([status, body.code]).toEqual([403, 'registration-closed'])
      expect([letIn, (await countMembers()) - before]).toEqual([closedAt, closedAt])
    }
  })

  it('is not changed while somebody joins who was admitted under it', async () => {
    const order: string[] = []
    const [admitted, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const joining = two.one.platform.tenancy.withTenant(tenantId, (tenant) =>
      tenant.transaction(async (tx) => {
        await admitNewMember(tx, 'registration', 'somebody@example.com')
        admitted.resolve()
        await go.promise
        order.push('joined')
      }),
    )
    await admitted.promise
    const closing = two.other.api.patch('/organization', { registration: 'closed' }, asOwner())
    const closed = closing.then(() => order.push('closed'))
    await vi.waitUntil(isSomebodyWaiting, { timeout: 20_000 })
    go.resolve()
    await Promise.all([joining, closed])
    expect(order).toEqual(['joined', 'closed'])
  })
})

/** Whether a statement in the organization's database waits for a lock. */
async function isSomebodyWaiting(): Promise<boolean> {
  const rows = await inTenant(
    two.one.platform,
    tenantId,
    sql`SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
  )
  return rows.length > 0
}

async function countMembers(): Promise<number> {
  const [row] = await inTenant<{ n: number }>(
    two.one.platform,
    tenantId,
    sql`SELECT count(*)::int AS n FROM users`,
  )
  return row?.n ?? 0
}
