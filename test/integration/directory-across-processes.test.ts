import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { databaseOf, newId } from '../../src/platform/index.ts'
import { PASSWORD, type SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { inCore } from '../support/rows.ts'

const PATIENCE = { timeout: 15_000, interval: 20 }

/** Stands still, so that nothing that is known here grows old by itself: what is seen was announced. */
let now = new Date()
let one: CheckedPlatform
let other: CheckedPlatform
let tenantId: string
let member: SignedInUser
beforeAll(async () => {
  one = await startCheckedPlatform()
  other = await startCheckedPlatform({ databaseUrl: one.databaseUrl, clock: { now: () => now } })
  const owner = await one.api.register()
  tenantId = (await one.api.createOrganization(owner)).id
  member = await other.api.login(owner, tenantId)
})
afterEach(async () => {
  await letIn(true)
  await setStatus('active')
  await expect.poll(answer, PATIENCE).toBe('200')
})
afterAll(async () => {
  await other.close()
  await one.close()
})

/** What a member hears from the other process. */
async function answer(): Promise<string> {
  const call = { tenantId, token: member.token, faulty: true }
  const { status, body } = await other.api.get('/users/me', call)
  return status === 200 ? '200' : `${status} ${body.code}`
}

/** What anybody hears from the other process who names this tenant. */
async function knock(id: string): Promise<string> {
  const credentials = { email: 'nobody@example.com', password: PASSWORD }
  const { status, body } = await other.api.post('/auth/login', credentials, { tenantId: id, faulty: true })
  return `${status} ${body.code}`
}

async function setStatus(status: string): Promise<void> {
  await inCore(one.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${tenantId}`)
}

const coreName = () => databaseOf(one.databaseUrl)

/** Whether the core database takes new connections. */
async function letIn(yes: boolean): Promise<void> {
  await onServer((server) => server.query(`ALTER DATABASE "${coreName()}" ALLOW_CONNECTIONS ${yes}`))
}

/** Ends connections to the core database: the listeners', or all. */
async function terminate(which: 'tenantry listener' | '%'): Promise<void> {
  await onServer((server) =>
    server.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = $1 AND application_name LIKE $2`,
      [coreName(), which],
    ),
  )
}

async function listeners(): Promise<number> {
  const { rows } = await onServer((server) =>
    server.query(
      "SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'tenantry listener'",
      [coreName()],
    ),
  )
  return rows.length
}

describe('another process’s change', () => {
  it('B8 of a tenant’s status is seen at once', async () => {
    for (const _ of [1, 2]) {
      await setStatus('suspended')
      await expect.poll(answer, PATIENCE).toBe('403 tenant-suspended')
      await setStatus('active')
      await expect.poll(answer, PATIENCE).toBe('200')
    }
  })

  it('B7 that makes a tenant whose id was unknown is seen at once, and so is its end', async () => {
    const id = newId()
    expect(await knock(id)).toBe('404 tenant-not-found')
    await inCore(
      one.platform,
      sql`INSERT INTO tenants (id, server_id, database_name, status)
          SELECT ${id}, server_id, ${`tenant_${id}`}, 'suspended' FROM tenants WHERE id = ${tenantId}`,
    )
    await expect.poll(() => knock(id), PATIENCE).toBe('403 tenant-suspended')
    await inCore(one.platform, sql`DELETE FROM tenants WHERE id = ${id}`)
    await expect.poll(() => knock(id), PATIENCE).toBe('404 tenant-not-found')
  })

  it('J3 made while the listener was cut is seen when it listens again', async () => {
    await expect.poll(listeners, PATIENCE).toBe(2)
    await letIn(false)
    await terminate('tenantry listener')
    await expect.poll(listeners, PATIENCE).toBe(0)
    expect(await answer()).toBe('200')
    await setStatus('suspended')
    await letIn(true)
    await expect.poll(answer, PATIENCE).toBe('403 tenant-suspended')
    await expect.poll(listeners, PATIENCE).toBe(2)
  })
})

describe('J8 while the core database is away', () => {
  it('known tenants are served, however old what is known of them, and changes are seen when it is back', async () => {
    expect(await answer()).toBe('200')
    await letIn(false)
    await terminate('%')
    for (let minute = 0; minute < 3; minute++) {
      expect(await answer()).toBe('200')
      now = new Date(now.getTime() + 60_000)
    }
    expect(await knock(newId())).toMatch(/^5/)
    await letIn(true)
    await expect.poll(listeners, PATIENCE).toBe(2)
    await setStatus('suspended')
    await expect.poll(answer, PATIENCE).toBe('403 tenant-suspended')
  })
})
