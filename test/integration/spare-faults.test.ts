import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MAIN_SERVER_ID } from '../../src/tenancy/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { orphans } from '../support/births.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { tenancyWith, withMigration } from '../support/own-migrations.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { asSuperuser, hasSuperuser } from '../support/superuser.ts'

const WANTED = 3
const env = { SPARE_DATABASES: String(WANTED) }

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform({ env, ownTemplate: true })
  owner = await test.api.register()
})
afterAll(() => test.close())
beforeEach(() => refill(test))

async function refill({ platform }: CheckedPlatform): Promise<void> {
  while (await platform.tenancy.spares.refill()) {
    // One at a time, until there is nothing left to do.
  }
}

async function idsOf(...statuses: string[]): Promise<string[]> {
  const rows = await inCore<{ id: string }>(
    test.platform,
    sql`SELECT id FROM tenants WHERE status IN ${statuses} ORDER BY id`,
  )
  return rows.map(({ id }) => id)
}

const inTenantOf = (id: string, statement: string) =>
  test.platform.tenancy.maintain({ serverId: MAIN_SERVER_ID, databaseName: `tenant_${id}` }, (database) =>
    database.query(statement),
  )

const create = (name = unique('New'), faulty = false) =>
  test.api.post('/organizations', { name }, { token: owner.token, faulty })

describe('a spare that was spoiled behind our back is made anew for the request that gets it', () => {
  it.each<readonly [string, (name: string) => Promise<unknown>]>([
    ['its database was dropped', (name) => onServer((server) => server.query(`DROP DATABASE "${name}"`))],
    [
      'its database lets nobody in any more',
      (name) => onServer((server) => server.query(`REVOKE ALL ON DATABASE "${name}" FROM "${name}"`)),
    ],
    [
      'its role was dropped',
      (name) =>
        onServer(async (server) => {
          await server.query(`REVOKE ALL ON DATABASE "${name}" FROM "${name}"`)
          await server.query(`DROP ROLE "${name}"`)
        }),
    ],
  ])('%s', async (_, spoil) => {
    const [next = ''] = await idsOf('spare')
    await spoil(`tenant_${next}`)
    const name = unique('Spoiled')
    expect(await create(name)).toMatchObject({ status: 201, body: { id: next, status: 'active' } })
    await expect(test.api.login(owner, next)).resolves.toMatchObject({ email: owner.email })
    expect(
      test.logged.some(({ msg, tenant_id }) => msg === 'a spare was spoiled' && tenant_id === next),
    ).toBe(true)
  })

  it.runIf(hasSuperuser())('its database is half dropped', async () => {
    const [next = ''] = await idsOf('spare')
    await asSuperuser((server) =>
      server.query('UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1', [`tenant_${next}`]),
    )
    expect(await create()).toMatchObject({ status: 201, body: { id: next, status: 'active' } })
    await expect(test.api.login(owner, next)).resolves.toMatchObject({ email: owner.email })
  })
})

it('a spare whose tables were dropped is not repaired by guessing: 503, and the next request gets another', async () => {
  const [next = ''] = await idsOf('spare')
  await inTenantOf(next, 'DROP TABLE users CASCADE')
  const refused = await create(unique('Emptied'), true)
  expect(refused).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })
  expect(await create()).toMatchObject({ status: 201, body: { id: expect.not.stringContaining(next) } })
})

describe('many at once', () => {
  it('16 get 16 organizations with 3 spares among them, however PostgreSQL plans the choice', async () => {
    const spares = await idsOf('spare')
    await onServer(async (server) => {
      const core = new URL(test.databaseUrl).pathname.slice(1)
      for (const way of ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material', 'indexscan', 'bitmapscan'])
        await server.query(`ALTER DATABASE "${core}" SET enable_${way} = off`)
    })
    const stubborn = await startCheckedPlatform({
      databaseUrl: test.databaseUrl,
      env: { SPARE_DATABASES: '0' },
    })
    try {
      const replies = await atOnce(16, () =>
        stubborn.api.post('/organizations', { name: unique('Crowd') }, { token: owner.token }),
      )
      expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(201))
      const ids = replies.map(({ body }) => body.id)
      expect(new Set(ids).size).toBe(16)
      expect(ids).toEqual(expect.arrayContaining(spares))
      expect(await orphans(test.platform)).toEqual([])
    } finally {
      await stubborn.close()
      await onServer((server) =>
        server.query(`ALTER DATABASE "${new URL(test.databaseUrl).pathname.slice(1)}" RESET ALL`),
      )
    }
  })

  it('who want one slug use up one spare, and the others are all there afterwards', async () => {
    const owners = await Promise.all(Array.from({ length: 6 }, () => test.api.register()))
    const before = await idsOf('spare')
    const slug = unique('wanted')
    const replies = await atOnce(6, (index) =>
      test.api.post('/organizations', { name: 'Wanted', slug }, { token: owners[index]?.token }),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    const taken = replies.find(({ status }) => status === 201)?.body.id
    expect(await idsOf('spare')).toEqual(before.filter((id) => id !== taken))
  })

  it('two processes that refill while spares are taken never have more than are wanted', async () => {
    const other = await startCheckedPlatform({ databaseUrl: test.databaseUrl, env })
    try {
      const counts: number[] = []
      const work = Promise.all([
        ...[test, other].map(async (process) => {
          for (let round = 0; round < 6; round++) {
            await process.platform.tenancy.spares.refill()
            counts.push((await idsOf('spare', 'preparing')).length)
          }
        }),
        atOnce(4, () => create()),
      ])
      await work
      await Promise.all([test, other].map(refill))
      expect(Math.max(...counts)).toBeLessThanOrEqual(WANTED)
      expect(await idsOf('spare')).toHaveLength(WANTED)
    } finally {
      await other.close()
    }
  })

  it('on a server that this process never used do not take each other’s connections to the core database', async () => {
    const fresh = await startCheckedPlatform({ databaseUrl: test.databaseUrl, env: { SPARE_DATABASES: '0' } })
    try {
      const replies = await atOnce(16, () =>
        fresh.api.post('/organizations', { name: unique('Fresh') }, { token: owner.token }),
      )
      expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(201))
    } finally {
      await fresh.close()
    }
  })
})

describe('a server with a capacity', () => {
  const limitTo = (capacity: number | null) =>
    inCore(test.platform, sql`UPDATE servers SET capacity = ${capacity} WHERE id = ${MAIN_SERVER_ID}`)
  const countAll = async () =>
    (await idsOf('spare', 'preparing', 'provisioning', 'active', 'failed', 'suspended')).length

  it('gives the spares that it has when it is full, then says 503, and makes no more spares', async () => {
    const full = await countAll()
    await limitTo(full)
    try {
      for (const spare of await idsOf('spare'))
        expect(await create()).toMatchObject({ status: 201, body: { id: spare } })
      const refused = await create(unique('Full'), true)
      expect(refused).toMatchObject({ status: 503, body: { code: 'overloaded' } })
      expect(await test.platform.tenancy.spares.refill()).toBe(false)
      expect(await countAll()).toBe(full)
    } finally {
      await limitTo(null)
    }
  })

  it('takes no more than that when many come at once', async () => {
    for (const _ of await idsOf('spare')) await create()
    await limitTo((await countAll()) + 2)
    try {
      const replies = await atOnce(8, () => create(unique('Limited'), true))
      expect(replies.map(({ status }) => status).sort()).toEqual([201, 201, 503, 503, 503, 503, 503, 503])
    } finally {
      await limitTo(null)
    }
  })

  it('gets none at all while it drains', async () => {
    const drain = (isDraining: boolean) =>
      inCore(test.platform, sql`UPDATE servers SET is_draining = ${isDraining} WHERE id = ${MAIN_SERVER_ID}`)
    await drain(true)
    try {
      expect(await create(unique('Drained'), true)).toMatchObject({
        status: 503,
        body: { code: 'overloaded' },
      })
    } finally {
      await drain(false)
    }
  })
})

it('refills one at a time, and SPARE_DATABASES=0 makes none', async () => {
  await create()
  await create()
  const before = (await idsOf('spare')).length
  const none = await startCheckedPlatform({ databaseUrl: test.databaseUrl, env: { SPARE_DATABASES: '0' } })
  try {
    expect(await none.platform.tenancy.spares.refill()).toBe(false)
    expect(await idsOf('spare')).toHaveLength(before)
  } finally {
    await none.close()
  }
  expect(await test.platform.tenancy.spares.refill()).toBe(true)
  expect(await idsOf('spare')).toHaveLength(before + 1)
})

it('an outdated spare has the newer program’s migrations before anybody gets it', async () => {
  const outdated = await idsOf('spare')
  const newer = tenancyWith(test, await withMigration('20980101000000', 'CREATE TABLE late (id int)'), WANTED)
  try {
    while (await newer.spares.refill()) {
      // One at a time.
    }
    expect(await idsOf('spare')).toEqual(outdated)
    const late = sql`SELECT to_regclass('late') IS NOT NULL AS there`
    const claim = await test.platform.core.transaction((tx) => newer.provisioner.reserve(tx))
    expect(outdated).toContain(claim.tenantId)
    expect(await inTenant(test.platform, claim.tenantId, late)).toEqual([{ there: true }])
    // An older program does not take what is newer than it knows.
    expect(await create()).toMatchObject({
      status: 201,
      body: { id: expect.not.stringContaining(outdated[1] ?? '') },
    })
  } finally {
    await newer.close()
  }
})

it('K18 a spare that cannot be made is tried again in pauses that double, and does not multiply', async () => {
  await inCore(test.platform, sql`UPDATE tenants SET status = 'failed' WHERE status = 'spare'`)
  const before = await idsOf('preparing')
  const poisoned = tenancyWith(test, await withMigration('20990101000000', 'SELECT * FROM nowhere'), 2)
  try {
    for (let look = 0; look < 5; look++) await poisoned.spares.refill()
    const ids = (await idsOf('preparing')).filter((id) => !before.includes(id))
    expect(ids).toHaveLength(2)
    const pauses: number[] = []
    for (let attempt = 2; attempt <= 7; attempt++) {
      await inCore(
        test.platform,
        sql`UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE id = ${ids[0]}`,
      )
      await poisoned.reconcile()
      const [row] = await inCore<{ status: string; attempts: number; pause: number }>(
        test.platform,
        sql`SELECT status, provisioning_attempts AS attempts,
              round(extract(epoch FROM claimed_until - updated_at))::int AS pause FROM tenants WHERE id = ${ids[0]}`,
      )
      expect(row).toMatchObject({ status: 'preparing', attempts: attempt })
      pauses.push(row?.pause ?? 0)
      expect((await idsOf('preparing')).length).toBe(before.length + 2)
    }
    expect(pauses).toEqual([4, 8, 16, 32, 64, 128])
    // A program that can make them ends what the other began.
    await inCore(test.platform, sql`UPDATE tenants SET claimed_until = now() WHERE status = 'preparing'`)
    await test.platform.tenancy.reconcile()
    expect(await idsOf('spare')).toEqual(expect.arrayContaining(ids))
  } finally {
    await poisoned.close()
  }
})
