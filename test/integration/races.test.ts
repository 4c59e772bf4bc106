import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { orphans } from '../support/births.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CALLERS = 16

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let tenantId: string
const owners: SignedInUser[] = []
beforeAll(async () => {
  two = await startTwoProcesses()
  ;({ one, other } = two)
  for (let caller = 0; caller < CALLERS; caller++) owners.push(await one.api.register())
  tenantId = (await one.api.createOrganization(owners[0] as SignedInUser)).id
})
afterAll(() => two.close())

/** The same address, differently written each time. */
function spelling(email: string, index: number): string {
  return [...email].map((letter, at) => ((index >> (at % 4)) & 1 ? letter.toUpperCase() : letter)).join('')
}

function tally(replies: readonly ApiReply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const outcome = `${status} ${body.code ?? ''}`.trim()
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

describe('H1 16 registrations of one e-mail address in two processes', () => {
  it.each(['the core', 'a tenant'])(
    'in %s: one account, one event, and 15 hear that it is taken',
    async (where) => {
      const realm = where === 'a tenant' ? tenantId : undefined
      const email = `${unique('race')}@example.com`
      const replies = await atOnce(CALLERS, (index) => {
        const body = { email: spelling(email, index), password: PASSWORD }
        return two.apiOf(index).post('/auth/register', body, { tenantId: realm })
      })
      expect(tally(replies)).toEqual({ 201: 1, '409 email-taken': 15 })
      const rows = sql`SELECT email FROM users WHERE lower(email) = ${email}`
      const found = await (realm === undefined
        ? inCore(one.platform, rows)
        : inTenant(one.platform, realm, rows))
      expect(found).toEqual([{ email }])
      const event = realm === undefined ? 'user.registered' : 'tenant_user.registered'
      expect(await two.countEvents(event, 'email', email)).toBe(1)
    },
  )
})

describe('H2 16 organizations of 16 owners in two processes', () => {
  it.each(Array.from({ length: 10 }, (_, round) => round + 1))(
    'that want one slug: one gets it, 15 hear that it is taken (round %i)',
    async () => {
      const slug = unique('race')
      const before = await inCore(one.platform, sql`SELECT id FROM tenants`)
      const replies = await atOnce(CALLERS, (index) =>
        two.apiOf(index).post('/organizations', { name: 'Race', slug }, { token: owners[index]?.token }),
      )
      expect(tally(replies)).toEqual({ 201: 1, '409 slug-taken': 15 })
      const winner = replies.find(({ status }) => status === 201)?.body
      expect(winner).toMatchObject({ slug, status: 'active' })
      expect(await inCore(one.platform, sql`SELECT id FROM tenants`)).toHaveLength(before.length + 1)
      expect(await two.countEvents('organization.created', 'slug', slug)).toBe(1)
      expect(await orphans(one.platform)).toEqual([])
    },
  )

  it('of one name: everybody gets one, and no two slugs or databases are the same', async () => {
    const name = unique('Same Name')
    const replies = await atOnce(6, (index) =>
      two.apiOf(index).post('/organizations', { name }, { token: owners[index]?.token }),
    )
    expect(tally(replies)).toEqual({ 201: 6 })
    for (const field of ['id', 'slug', 'database_name'])
      expect(new Set(replies.map(({ body }) => body[field])).size).toBe(6)
    expect(await orphans(one.platform)).toEqual([])
  })
})

it('8 different organizations of one owner at once are all made, and all work', async () => {
  const [owner] = owners as [SignedInUser]
  const replies = await atOnce(8, (index) =>
    two.apiOf(index).post('/organizations', { name: unique('Many') }, { token: owner.token }),
  )
  expect(tally(replies)).toEqual({ 201: 8 })
  for (const [index, { body }] of replies.entries()) {
    // Asked of the process that did not make it.
    const login = { email: owner.email, password: owner.password }
    const reply = await two.apiOf(index + 1).post('/auth/login', login, { tenantId: body.id })
    expect(reply).toMatchObject({ status: 200, body: { tenant_id: body.id } })
  }
})

it('one request made twice at once makes one organization', async () => {
  const [owner] = owners as [SignedInUser]
  const body = { name: 'Double click', slug: unique('double') }
  const replies = await atOnce(2, (index) =>
    two.apiOf(index).post('/organizations', body, { token: owner.token }),
  )
  const made = replies.filter(({ status }) => status < 300)
  expect(new Set(made.map((reply) => reply.body.id)).size).toBe(1)
  for (const { status } of replies) expect([201, 202, 409]).toContain(status)
  const rows = await inCore(one.platform, sql`SELECT id FROM organizations WHERE slug = ${body.slug}`)
  expect(rows).toHaveLength(1)
  expect(await two.countEvents('organization.created', 'slug', body.slug)).toBe(1)
})

it('tokens that one process issued are good in the other', async () => {
  const ann = await one.api.register()
  const reply = await other.api.post('/auth/refresh', { refresh_token: ann.refreshToken })
  expect(reply.status).toBe(200)
  expect((await one.api.get('/organizations/me', { token: reply.body.access_token })).status).toBe(200)
})
