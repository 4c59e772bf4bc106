import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { acceptAsMe, acceptAsNew, invite, sentTo } from '../support/invitations.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CALLERS = 16

let two: TwoProcesses
let owner: LinkedPerson
let tenantId: string
beforeAll(async () => {
  two = await startTwoProcesses()
  const founder = await two.one.api.register()
  tenantId = (await two.one.api.createOrganization(founder)).id
  owner = await enter(two.one, tenantId, founder)
})
afterAll(() => two.close())

const processOf = (caller: number) => (caller % 2 === 0 ? two.one : two.other)
const fresh = () => `${unique('guest')}@example.com`
const as = ({ tenantToken: token }: LinkedPerson) => ({ token, tenantId })

function outcomes(replies: readonly ApiReply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const outcome = `${status} ${body?.code ?? ''}`.trim()
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

async function countMembers(email: string): Promise<number> {
  const rows = sql`SELECT FROM users WHERE lower(email) = ${email}`
  return (await inTenant(two.one.platform, tenantId, rows)).length
}

describe('H8 16 acceptances of one invitation in two processes', () => {
  it('as somebody new: one wins', async () => {
    const { email, token } = await invite(two.one, tenantId, owner, fresh())
    const replies = await atOnce(CALLERS, (index) => acceptAsNew(processOf(index), tenantId, token))
    expect(outcomes(replies)).toEqual({ 201: 1, '400 invitation-invalid': 15 })
    expect(await countMembers(email)).toBe(1)
  })

  it('as a platform user: one wins', async () => {
    const person: SignedInUser = await two.one.api.register()
    const { email, token } = await invite(two.one, tenantId, owner, person.email)
    const replies = await atOnce(CALLERS, (index) => acceptAsMe(processOf(index), tenantId, token, person))
    expect(outcomes(replies)).toEqual({ 201: 1, '400 invitation-invalid': 15 })
    expect(await countMembers(email)).toBe(1)
    expect((await two.other.api.get(`/organizations/${tenantId}`, person)).body.role).toBe('member')
  })

  it('against its revocation: who is in was let in, and nobody is in between', async () => {
    for (let round = 0; round < 2; round++) {
      // A platform user: no password is hashed, so all of them are there at the same moment.
      const person = await two.one.api.register()
      const { id, email, token } = await invite(two.one, tenantId, owner, person.email)
      const replies = await atOnce(8, (index) =>
        index === 0
          ? two.one.api.delete(`/invitations/${id}`, as(owner))
          : acceptAsMe(processOf(index), tenantId, token, person),
      )
      const [revocation, ...acceptances] = replies as [ApiReply, ...ApiReply[]]
      const letIn = acceptances.filter(({ status }) => status === 201).length
      expect([revocation.status, letIn]).toEqual(revocation.status === 204 ? [204, 0] : [409, 1])
      expect(await countMembers(email)).toBe(letIn)
    }
  })

  it('against the end of who invited: nobody gets in with what is revoked', async () => {
    for (let round = 0; round < 2; round++) {
      const admin = await addLinked(two.one, tenantId, 'admin')
      const person = await two.one.api.register()
      const { email, token } = await invite(two.one, tenantId, admin, person.email, 'admin')
      const [end, ...acceptances] = (await atOnce(8, (index) =>
        index === 0
          ? two.one.api.delete(`/members/${admin.memberId}`, as(owner))
          : acceptAsMe(processOf(index), tenantId, token, person),
      )) as [ApiReply, ...ApiReply[]]
      expect(end.status).toBe(204)
      const letIn = acceptances.filter(({ status }) => status === 201).length
      expect(letIn).toBeLessThanOrEqual(1)
      expect(await countMembers(email)).toBe(letIn)
      expect((await acceptAsNew(two.one, tenantId, token)).status).toBe(400)
    }
  })
})

it('H8 16 invitations of one address in two processes: one is made, and one mail is sent', async () => {
  const email = fresh()
  const replies = await atOnce(CALLERS, (index) =>
    processOf(index).api.post('/invitations', { email, role: 'member' }, as(owner)),
  )
  expect(outcomes(replies)).toEqual({ 201: 1, '409 invitation-pending': 15 })
  const tokens = [await sentTo(two.one, email), await sentTo(two.other, email)].filter(
    (token) => token !== '',
  )
  expect(tokens).toHaveLength(1)
  expect((await acceptAsNew(two.other, tenantId, tokens[0] ?? '')).status).toBe(201)
})

it('I10 one address gets so many invitations in an hour and no more, whoever sends them', async () => {
  const limited = await startTwoProcesses({ env: { RATE_LIMITS: 'on' } })
  try {
    const founder = await limited.one.api.register()
    const { id } = await limited.one.api.createOrganization(founder)
    const call = { token: (await enter(limited.one, id, founder)).tenantToken, tenantId: id }
    const email = fresh()
    const created = await limited.one.api.post('/invitations', { email, role: 'member' }, call)
    // Outside of production the limit is ten times as wide: 50 in an hour.
    let token = ''
    for (let count = 0; count < 60; count++) {
      const reply = await limited.one.api.post(`/invitations/${created.body.id}/resend`, {}, call)
      expect(reply.status).toBe(202)
      const newest = await sentTo(limited.one, email)
      if (count < 45) expect(newest).not.toBe(token)
      if (count >= 50) expect(newest).toBe(token)
      token = newest
    }
    // What could not be sent made nothing worthless.
    expect((await acceptAsNew(limited.other, id, token)).status).toBe(201)
  } finally {
    await limited.close()
  }
})
