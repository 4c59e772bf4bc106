import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databaseOf } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { kidOf, publishedKids } from '../support/keys.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

// Well below the 30 s after which a process looks by itself: what is seen was heard.
const PATIENCE = { timeout: 15_000, interval: 20 }

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let member: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses()
  ;({ one, other } = two)
  owner = await one.api.register()
  tenantId = (await one.api.createOrganization(owner)).id
})
afterAll(() => two.close())
beforeEach(async () => {
  await sameKeys()
  member = await one.api.login(owner, tenantId)
  for (const process of [one, other]) expect(await statusOf(process)).toBe(200)
})

async function statusOf({ api }: CheckedPlatform, { token } = member): Promise<number> {
  return (await api.get('/users/me', { token, tenantId, faulty: true })).status
}

async function sameKeys(): Promise<void> {
  const kids = () => [one, other].map(({ platform }) => platform.keys.ring.signing('tenant').kid)
  await expect.poll(() => new Set(kids()).size, PATIENCE).toBe(1)
}

const revoke = ({ platform }: CheckedPlatform, kid: string) => platform.keys.revoke(kid)
const listenersOf = async () =>
  (
    await onServer((server) =>
      server.query(
        "SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'tenantry key listener'",
        [databaseOf(one.databaseUrl)],
      ),
    )
  ).rows.length

describe('a revoked key', () => {
  it('A18 takes tokens that were remembered with it, on every process; refresh tokens go on', async () => {
    const kid = kidOf(member.token)
    const revoked = await revoke(one, kid)
    expect(revoked).toMatchObject({ kid, audience: 'tenant', changed: true, successor: expect.any(String) })
    expect(await statusOf(one)).toBe(401)
    await expect.poll(() => statusOf(other), PATIENCE).toBe(401)
    for (const process of [one, other]) {
      expect(await publishedKids(process)).not.toContain(kid)
      const body = { refresh_token: member.refreshToken }
      const reply = await process.api.post('/auth/refresh', body, { tenantId })
      expect(reply.status).toBe(200)
      expect(kidOf(reply.body.access_token)).toBe(revoked?.successor)
      for (const at of [one, other])
        expect(await statusOf(at, { ...member, token: reply.body.access_token })).toBe(200)
    }
  })

  it('leaves tokens of the other kind alone', async () => {
    const core = await one.api.login(owner)
    await revoke(one, kidOf(member.token))
    const reply = await other.api.get('/organizations/me', { token: core.token })
    expect(reply.status).toBe(200)
  })

  it('loses its private part, and cannot be brought back', async () => {
    const kid = kidOf(member.token)
    await revoke(one, kid)
    const [row] = await inCore<{ sealed_private_key: string }>(
      one.platform,
      sql`UPDATE signing_keys SET revoked_at = NULL, verifies_until = NULL WHERE kid = ${kid}
          RETURNING sealed_private_key`,
    )
    expect(row?.sealed_private_key).toBe('')
    await one.platform.keys.rotate(['core'], true)
    expect(await statusOf(one)).toBe(401)
    await revoke(one, kid)
  })

  it('is followed by the next one, where that is published already', async () => {
    const [next] = await one.platform.keys.rotate(['tenant'], false)
    const revoked = await revoke(one, kidOf(member.token))
    expect(revoked?.successor).toBe(next?.kid)
    expect(kidOf((await one.api.login(owner, tenantId)).token)).toBe(next?.kid)
  })

  it('that was the next one leaves the present one signing', async () => {
    const [next] = await one.platform.keys.rotate(['tenant'], false)
    const revoked = await revoke(one, next?.kid ?? '')
    expect(revoked).toMatchObject({ changed: true, successor: undefined })
    expect(kidOf((await one.api.login(owner, tenantId)).token)).toBe(kidOf(member.token))
    const [again] = await one.platform.keys.rotate(['tenant'], false)
    expect(again).toMatchObject({ changed: true })
    expect(again?.kid).not.toBe(next?.kid)
  })

  it('H15 gets one successor, however many revoke it', async () => {
    const kid = kidOf(member.token)
    const outcomes = await atOnce(16, (index) => revoke(index % 2 ? one : other, kid))
    expect(outcomes.filter((outcome) => outcome?.changed)).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome?.successor)).toHaveLength(1)
    await sameKeys()
  })

  it('is nothing where there is no such key', async () => {
    expect(await revoke(one, 'nobody')).toBeUndefined()
  })
})

describe('while the core database', () => {
  const letIn = (yes: boolean) =>
    onServer((server) =>
      server.query(`ALTER DATABASE "${databaseOf(one.databaseUrl)}" ALLOW_CONNECTIONS ${yes}`),
    )
  const terminate = (which: string) =>
    onServer((server) =>
      server.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = $1 AND application_name LIKE $2`,
        [databaseOf(one.databaseUrl), which],
      ),
    )

  it('J3 cannot be heard, a revocation waits until it is heard again', async () => {
    await expect.poll(listenersOf, PATIENCE).toBe(2)
    await letIn(false)
    await terminate('tenantry key listener')
    await expect.poll(listenersOf, PATIENCE).toBe(0)
    await revoke(one, kidOf(member.token))
    expect(await statusOf(other)).toBe(200)
    await letIn(true)
    await expect.poll(() => statusOf(other), PATIENCE).toBe(401)
    await expect.poll(listenersOf, PATIENCE).toBe(2)
  })

  it('J8 is away, known keys go on verifying and unknown ones are refused', async () => {
    await letIn(false)
    await terminate('%')
    for (const process of [one, other]) {
      expect(await statusOf(process)).toBe(200)
      await process.platform.keys.ring.findAfresh('x'.repeat(43))
      expect(await statusOf(process)).toBe(200)
      expect(await publishedKids(process)).toContain(kidOf(member.token))
    }
    await letIn(true)
    await expect.poll(listenersOf, PATIENCE).toBe(2)
    await expect
      .poll(async () => (await revoke(one, kidOf(member.token)).catch(() => undefined))?.kid, PATIENCE)
      .toBe(kidOf(member.token))
    await expect.poll(() => statusOf(other), PATIENCE).toBe(401)
  })
})
