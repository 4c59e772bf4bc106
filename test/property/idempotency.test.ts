import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiReply, type SignedInUser, unique } from '../support/api-client.ts'
import { breakBirths, healBirths } from '../support/births.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs } from '../support/effort.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
let users: readonly SignedInUser[]
beforeAll(async () => {
  test = await startCheckedPlatform()
  users = [await test.api.register(), await test.api.register()]
  await test.platform.tenancy.prepare()
})
afterAll(() => test.close())

/** How a request ends: answered; failed on the way; or done, and dead before its answer was recorded. */
const end = fc.constantFrom('answered', 'fails', 'dies')
const step = fc.record({ user: fc.nat(1), key: fc.nat(1), body: fc.nat(1), end })
type Step = { user: number; key: number; body: number; end: 'answered' | 'fails' | 'dies' }

/** What must be known of a key that was accepted. */
interface Accepted {
  readonly body: number
  /** Of its first 201. */
  text?: string
  /** An answer was recorded, which nothing can change any more. */
  isAnswered: boolean
}

/** Users, keys and bodies of one run, which no other run shares. */
interface Run {
  readonly keys: readonly string[]
  readonly names: readonly string[]
  readonly accepted: Map<string, Accepted>
}

it('J13 H4 each key of each user makes one organization, and answers every repeat alike, whatever fails between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const run: Run = {
        keys: [unique('key'), unique('key')],
        names: [unique('This'), unique('That')],
        accepted: new Map(),
      }
      for (const one of steps) await take(run, one)
      await expectOneEach(run)
    }),
    { numRuns: runs(12) },
  )
})

async function take(run: Run, { user, key, body, end }: Step): Promise<void> {
  const name = `${user} ${key}`
  const known = run.accepted.get(name)
  const reply = await ask(run, { user, key, body, end })
  if (known && known.body !== body) {
    expect(reply).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } })
    return
  }
  const accepted = known ?? { body, isAnswered: false }
  run.accepted.set(name, accepted)
  const isFinished = accepted.text !== undefined
  if (end === 'fails' && !isFinished) {
    expect(reply.status).toBe(500)
    return
  }
  expect(reply.status).toBe(201)
  expect('idempotent-replayed' in reply.headers).toBe(accepted.isAnswered)
  accepted.text ??= reply.text
  expect(reply.text).toBe(accepted.text)
  accepted.isAnswered = true
  if (end === 'dies') {
    await forgetAnswer(run.keys[key], users[user])
    accepted.isAnswered = false
  }
}

async function ask(run: Run, { user, key, body, end }: Step): Promise<ApiReply> {
  const { platform } = test
  if (end === 'fails') breakBirths(platform)
  try {
    const headers = { 'idempotency-key': run.keys[key] ?? '' }
    const wish = { name: run.names[body] }
    return await test.api.post('/organizations', wish, { token: users[user]?.token, headers, faulty: true })
  } finally {
    healBirths(platform)
  }
}

/** What is left when a process dies after it made an organization active, and before it recorded the answer. */
async function forgetAnswer(key: string | undefined, user: SignedInUser | undefined): Promise<void> {
  await inCore(
    test.platform,
    sql`UPDATE organization_requests SET response = NULL WHERE key = ${key} AND user_id = ${user?.id}`,
  )
}

async function expectOneEach({ names, accepted }: Run): Promise<void> {
  const made = await inCore<{ owner_id: string; name: string }>(
    test.platform,
    sql`SELECT owner_id, name FROM organizations WHERE name IN (${names[0]}, ${names[1]})`,
  )
  const expected = [...accepted].map(([name, { body }]) => ({
    owner_id: users[Number(name[0])]?.id,
    name: names[body],
  }))
  const order = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort()
  expect(order(made)).toEqual(order(expected))
}
