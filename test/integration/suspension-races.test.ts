import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const ROUNDS = 2
/** Answers of each kind of request before the organization is suspended. */
const BUSY = 1

let two: TwoProcesses
let tenantId: string
let member: SignedInUser
/** Signs in so often that older sessions of the same person end. */
let visitor: SignedInUser
/** The newest refresh token of each caller who goes on with one. */
let newest: string[]
beforeAll(async () => {
  two = await startTwoProcesses()
  const owner = await two.one.api.register()
  tenantId = (await two.one.api.createOrganization(owner)).id
  member = await two.one.api.register({ tenantId })
  visitor = await two.one.api.register({ tenantId })
  newest = [member.refreshToken, (await two.one.api.login(member, tenantId)).refreshToken]
})
afterAll(() => two.close())

/** A 503 is a fair answer, and any other error of the server is not. */
const HERE = () => ({ tenantId, faulty: true })
const WORK: Readonly<Record<string, (process: number) => Promise<ApiReply>>> = {
  login: (process) => {
    const { email, password } = visitor
    return two.apiOf(process).post('/auth/login', { email, password }, HERE())
  },
  register: (process) => {
    const person = { email: `${unique('newcomer')}@example.com`, password: PASSWORD }
    return two.apiOf(process).post('/auth/register', person, HERE())
  },
  refresh: async (process) => {
    const reply = await two.apiOf(process).post('/auth/refresh', { refresh_token: newest[process] }, HERE())
    if (reply.status === 200) newest[process] = reply.body.refresh_token
    return reply
  },
  'users/me': (process) => two.apiOf(process).get('/users/me', { ...HERE(), token: member.token }),
  'a change': (process) =>
    two.apiOf(process).put('/users/me', { phone: '112' }, { ...HERE(), token: member.token }),
}

async function setStatus(status: 'active' | 'suspended'): Promise<void> {
  await inCore(two.one.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${tenantId}`)
}

const outcome = ({ status, body }: ApiReply) => (status < 400 ? 'done' : `${status} ${body.code}`)

/** Asks again and again until it is refused, which should be because the organization is suspended. */
async function untilSuspended(
  ask: () => Promise<ApiReply>,
  onAnswer: (answered: number) => void,
): Promise<string[]> {
  const heard: string[] = []
  while (/^(done|503 .+)$/.test(heard.at(-1) ?? 'done')) {
    heard.push(outcome(await ask()))
    onAnswer(heard.length)
  }
  return heard
}

it('H12 a suspension in the middle of everything: done or refused, never an error, and nothing stays in use', {
  timeout: 90_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const busy = Promise.withResolvers<void>()
    const kinds = Object.values(WORK).flatMap((ask) => [() => ask(0), () => ask(1)])
    let slow = kinds.length
    const running = kinds.map((ask) =>
      untilSuspended(ask, (count) => count === BUSY && --slow === 0 && busy.resolve()),
    )
    await busy.promise
    await setStatus('suspended')
    for (const heard of await Promise.all(running)) {
      expect(heard.slice(0, BUSY)).toEqual(Array(BUSY).fill('done'))
      for (const one of heard) expect(one).toMatch(/^(done|403 tenant-suspended|503 .+)$/)
    }
    for (const { platform } of [two.one, two.other]) {
      const { connections } = platform.tenancy
      await expect.poll(connections, { timeout: 10_000 }).toMatchObject({ busy: 0, waiting: 0 })
    }
    await setStatus('active')
    // Nothing was lost by it, once both processes have heard that it is over.
    for (const { api } of [two.one, two.other]) {
      const again = async () => (await api.get('/users/me', { ...HERE(), token: member.token })).status
      await expect.poll(again, { timeout: 10_000 }).toBe(200)
    }
  }
})
