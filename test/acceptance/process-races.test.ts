import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atOnce } from '../support/at-once.ts'
import { type ApiReply, call, createOrganization, newPerson, register, signIn } from './support/api.ts'
import { eventually } from './support/poll.ts'
import { connectAsPlatform } from './support/running-postgres.ts'
import { type Server, Workspace } from './support/workspace.ts'

const CALLERS = 16
/** Ten times those of production, as they are everywhere else. */
const FREE_FAILURES = 50
const REGISTRATIONS_A_MINUTE = 50

let place: Workspace
let servers: readonly [Server, Server]
beforeAll(async () => {
  place = await Workspace.create()
  const env = { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1', SPARE_DATABASES: '0', LOG_LEVEL: 'error' }
  servers = [await place.serve(env), await place.serve(env)]
})
afterAll(() => place[Symbol.asyncDispose]())

let networks = 0
/** A network that no other caller is in. */
const elsewhere = () => ({ 'x-forwarded-for': `2001:db8:0:${(++networks).toString(16)}::1` })

/**
 * One of many callers, who take turns between the two processes. On a machine that is busy with other things a process may
 * have no connection in time, which is no outcome of a race: like any client, who hears that tries again.
 */
async function ask(caller: number, ...[request, what = {}]: Tail<typeof call>): Promise<ApiReply> {
  const { url } = servers[caller % 2 === 0 ? 0 : 1]
  const asked = { headers: elsewhere(), ...what }
  let reply = await call(url, request, asked)
  while (reply.status === 503 && reply.headers.has('retry-after')) {
    await pause(100)
    reply = await call(url, request, asked)
  }
  return reply
}
type Tail<F> = F extends (first: string, ...rest: infer Rest) => unknown ? Rest : never

function tally(replies: readonly ApiReply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const outcome = `${status} ${body?.code ?? ''}`.trim()
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

/** Five requests of each caller, one after another: as many at once would be refused for that alone. */
async function fiveTimesAtOnce(send: (caller: number) => Promise<ApiReply>): Promise<ApiReply[]> {
  const replies = await atOnce(CALLERS, async (caller) => {
    const own: ApiReply[] = []
    while (own.length < 5) own.push(await send(caller))
    return own
  })
  return replies.flat()
}

async function inCore<Row>(query: string, ...values: readonly unknown[]): Promise<Row[]> {
  const core = await connectAsPlatform(place.dataDir)
  try {
    return (await core.query(query, [...values])).rows
  } finally {
    await core.end()
  }
}

/** The token in the first mail of a kind that the first process wrote to an address. */
async function mailed(kind: string, address: string): Promise<string> {
  return await eventually(`a ${kind} mail`, async () => {
    const reply = await fetch(`${servers[0].url}/dev/mail`)
    const letters = (await reply.json()) as { kind: string; to: string; text: string }[]
    const letter = letters.find((one) => one.kind === kind && one.to === address)
    return letter && /[#&]token=(tro_[\w-]+)/.exec(letter.text)?.[1]
  })
}

describe('16 callers at once of two processes on one core database', { timeout: 60_000 }, () => {
  it('H1 that register one address: one gets it', async () => {
    const person = newPerson('race')
    const replies = await atOnce(CALLERS, (caller) => ask(caller, 'POST /auth/register', { body: person }))
    expect(tally(replies)).toEqual({ 201: 1, '409 email-taken': CALLERS - 1 })
    expect(await inCore('SELECT 1 FROM users WHERE lower(email) = $1', person.email)).toHaveLength(1)
  })

  it('H2 that want one slug: one gets it, with one database and one role', async () => {
    const tokens = await atOnce(CALLERS, async (caller) => {
      const { status, body } = await ask(caller, 'POST /auth/register', { body: newPerson('founder') })
      expect(status).toBe(201)
      return body.access_token as string
    })
    const body = { name: 'Race', slug: 'race' }
    const replies = await atOnce(CALLERS, (caller) =>
      ask(caller, 'POST /organizations', { token: tokens[caller] ?? '', body }),
    )
    expect(tally(replies)).toEqual({ 201: 1, '409 slug-taken': CALLERS - 1 })
    const [made] = replies.filter(({ status }) => status === 201)
    const only = [{ name: made?.body.database_name }]
    expect(await inCore('SELECT database_name AS name FROM tenants')).toEqual(only)
    expect(
      await inCore(String.raw`SELECT datname AS name FROM pg_database WHERE datname LIKE 'tenant\_%'`),
    ).toEqual(only)
    expect(
      await inCore(String.raw`SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'tenant\_%'`),
    ).toEqual(only)
  })

  it('H6 with one refresh token: all get the same next one, and it goes on', async () => {
    const { body } = await ask(0, 'POST /auth/register', { body: newPerson('refresher') })
    const refresh = (caller: number, refresh_token: string) =>
      ask(caller, 'POST /auth/refresh', { body: { refresh_token } })
    const replies = await atOnce(CALLERS, (caller) => refresh(caller, body.refresh_token))
    expect(tally(replies)).toEqual({ 200: CALLERS })
    const next = new Set<string>(replies.map((reply) => reply.body.refresh_token))
    expect(next.size).toBe(1)
    expect(next).not.toContain(body.refresh_token)
    for (const token of next) expect((await refresh(1, token)).status).toBe(200)
  })

  it('H8 with one reset link: one password is the new one', async () => {
    const person = newPerson('forgetful')
    await register(servers[1].url, person)
    expect((await ask(0, 'POST /auth/password/forgot', { body: { email: person.email } })).status).toBe(202)
    const token = await mailed('password-reset', person.email)
    const password = (caller: number) => `a new pass phrase of caller ${caller}`
    const replies = await atOnce(CALLERS, (caller) =>
      ask(caller, 'POST /auth/password/reset', { body: { token, password: password(caller) } }),
    )
    expect(tally(replies)).toEqual({ 204: 1, '400 invalid-link': CALLERS - 1 })
    const winner = replies.findIndex(({ status }) => status === 204)
    await signIn(servers[1].url, { ...person, password: password(winner) })
    const loser = { ...person, password: password(winner + 1) }
    expect((await ask(0, 'POST /auth/login', { body: loser })).status).toBe(401)
  })

  it('H8 with one invitation: one of them joins', async () => {
    const owner = newPerson('owner')
    const core = await register(servers[1].url, owner)
    const tenantId = await createOrganization(servers[1].url, core, 'Invitations')
    const { email } = newPerson('invited')
    const inviting = { token: await signIn(servers[0].url, owner, tenantId), tenantId }
    const invited = await ask(0, 'POST /invitations', { ...inviting, body: { email, role: 'member' } })
    expect(invited.status).toBe(201)
    const body = { token: await mailed('invitation', email), password: 'a long way to go home' }
    const replies = await atOnce(CALLERS, (caller) =>
      ask(caller, 'POST /invitations/accept', { tenantId, body }),
    )
    expect(tally(replies)).toEqual({ 201: 1, '400 invitation-invalid': CALLERS - 1 })
    const members = await ask(1, 'GET /members', inviting)
    expect(members.body.items).toHaveLength(2)
  })

  it('H10 that guess one password: no more are tried than may fail', async () => {
    const person = newPerson('victim')
    await register(servers[0].url, person)
    const from = performance.now()
    const guess = (caller: number) =>
      ask(caller, 'POST /auth/login', { body: { ...person, password: 'not the password' } })
    const replies = await fiveTimesAtOnce(guess)
    // Behind the last free one each delays the next by a second or more.
    const more = Math.floor((performance.now() - from) / 1_000)
    const { '401 invalid-credentials': tried = 0, '429 rate-limited': refused = 0 } = tally(replies)
    expect(tried + refused).toBe(5 * CALLERS)
    expect(tried).toBeGreaterThanOrEqual(FREE_FAILURES)
    expect(tried).toBeLessThanOrEqual(FREE_FAILURES + more)
  })

  it('H16 of one network: no more are let in than its limit', async () => {
    const limit = REGISTRATIONS_A_MINUTE
    const headers = elsewhere()
    const body = newPerson('crowd')
    // In each process alone there is room for all of its own.
    const replies = await fiveTimesAtOnce((caller) => ask(caller, 'POST /auth/register', { headers, body }))
    const { 201: first, '409 email-taken': others = 0, '429 rate-limited': refused = 0 } = tally(replies)
    expect(first).toBe(1)
    expect(1 + others).toBeLessThanOrEqual(limit)
    expect(1 + others + refused).toBe(5 * CALLERS)
  })
})
