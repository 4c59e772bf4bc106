import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CALLERS = 16
const ROUNDS = [1, 2, 3, 4]

let two: TwoProcesses
let realms: Record<'core' | 'tenant', readonly [TestRealm, TestRealm]>
beforeAll(async () => {
  two = await startTwoProcesses()
  const { id } = await two.one.api.createOrganization(await two.one.api.register())
  realms = {
    core: [realmOf(two.one), realmOf(two.other)],
    tenant: [realmOf(two.one, id), realmOf(two.other, id)],
  }
})
afterAll(() => two.close())

const successes = (replies: readonly ApiReply[]) => replies.filter(({ status }) => status === 200)

describe.each(['core', 'tenant'] as const)('in the %s realm, 16 callers in two processes', (name) => {
  const realmFor = (caller: number) => realms[name][caller % 2 === 0 ? 0 : 1]
  const signOut = ({ token }: SignedInUser, caller: number, method: 'POST' | 'DELETE', path: string) =>
    two.apiOf(caller).send(method, `/api/v1/auth/${path}`, undefined, {
      token,
      tenantId: realmFor(caller).tenantId,
    })

  /** Nothing that was handed out is of any use, in either process. */
  async function expectOver(ann: SignedInUser, replies: readonly ApiReply[]): Promise<void> {
    const access = [ann.token, ...successes(replies).map(({ body }) => body.access_token)]
    const refresh = new Set([ann.refreshToken, ...successes(replies).map(({ body }) => body.refresh_token)])
    for (const realm of realms[name]) {
      for (const token of access) expect(await realm.isIn(token)).toBe(false)
      for (const token of refresh) expect((await realm.refresh(token)).status).toBe(401)
    }
  }

  it('H6 get one successor of one refresh token, and the session goes on', async () => {
    const ann = await realmFor(0).register()
    const replies = await atOnce(CALLERS, (caller) => realmFor(caller).refresh(ann.refreshToken))
    expect(replies.map(({ status }) => status)).toEqual(Array(CALLERS).fill(200))
    expect(new Set(replies.map(({ body }) => body.refresh_token)).size).toBe(1)
    for (const [caller, { body }] of replies.entries())
      expect(await realmFor(caller + 1).isIn(body.access_token)).toBe(true)
  })

  it.each(ROUNDS)('H7 refresh while one logs out: nothing works afterwards (round %i)', async (round) => {
    const ann = await realmFor(0).register()
    // The place in line differs from round to round, so that refreshes come before and after.
    const leaver = round * 3
    const replies = await atOnce(CALLERS, (caller) =>
      caller === leaver ? signOut(ann, caller, 'POST', 'logout') : realmFor(caller).refresh(ann.refreshToken),
    )
    expect(replies[leaver]?.status).toBe(204)
    for (const { status } of replies.filter((_, caller) => caller !== leaver))
      expect([200, 401]).toContain(status)
    await expectOver(ann, replies)
    expect(await two.countEvents('session.ended', 'sessionId', sessionOf(ann))).toBe(1)
    expect(await two.countEvents('session.reuse_detected', 'sessionId', sessionOf(ann))).toBe(0)
  })

  it.each(ROUNDS)('H7 refresh a chain while all sessions are ended (round %i)', async (round) => {
    const ann = await realmFor(0).register()
    const elsewhere = await two.other.api.login(ann, realmFor(1).tenantId)
    const replies: ApiReply[] = []
    const [ended] = await atOnce(CALLERS, async (caller) => {
      if (caller === 0) {
        for (let wait = 0; wait < round; wait++) await realmFor(1).isIn(elsewhere.token)
        return await signOut(elsewhere, caller, 'DELETE', 'sessions')
      }
      let token = ann.refreshToken
      for (;;) {
        const reply = await realmFor(caller).refresh(token)
        replies.push(reply)
        if (reply.status !== 200) return reply
        token = reply.body.refresh_token
      }
    })
    expect(ended?.status).toBe(204)
    await expectOver(ann, replies)
    await expectOver(elsewhere, [])
    for (const user of [ann, elsewhere])
      expect(await two.countEvents('session.ended', 'sessionId', sessionOf(user))).toBe(1)
  })

  it('log out once: the others hear that the session has ended', async () => {
    const ann = await realmFor(0).register()
    const replies = await atOnce(CALLERS, (caller) => signOut(ann, caller, 'POST', 'logout'))
    for (const { status } of replies) expect([204, 401]).toContain(status)
    expect(replies.some(({ status }) => status === 204)).toBe(true)
    await expectOver(ann, [])
    expect(await two.countEvents('session.ended', 'sessionId', sessionOf(ann))).toBe(1)
  })

  it('sign in at once beside old sessions: all of them get in', async () => {
    const ann = await realmFor(0).register()
    for (let login = 0; login < 4; login++) await two.one.api.login(ann, realmFor(0).tenantId)
    await realmFor(0).change(
      sql`UPDATE sessions SET expires_at = now() - interval '2 days' WHERE user_id = ${ann.id}`,
    )
    const logins = await atOnce(8, (caller) => two.apiOf(caller).login(ann, realmFor(0).tenantId))
    for (const { token } of logins) expect(await realmFor(1).isIn(token)).toBe(true)
    const rows = await realmFor(0).change(sql`SELECT id FROM sessions WHERE user_id = ${ann.id}`)
    expect(rows).toHaveLength(8)
  })
})
