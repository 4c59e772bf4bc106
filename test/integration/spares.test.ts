import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../src/platform/index.ts'
import { SpareKeeper } from '../../src/tenancy/spares/spare-keeper.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const SPARE_DATABASES = '3'

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses({ env: { SPARE_DATABASES } })
  ;({ one, other } = two)
  owner = await one.api.register()
})
afterAll(() => two.close())
beforeEach(() => refill())

async function refill(): Promise<void> {
  while (await one.platform.tenancy.spares.refill()) {
    // One at a time, until there is nothing left to do.
  }
}

async function spareIds(status = 'spare'): Promise<string[]> {
  const rows = await inCore<{ id: string }>(
    one.platform,
    sql`SELECT id FROM tenants WHERE status = ${status} ORDER BY id`,
  )
  return rows.map(({ id }) => id)
}

const create = (body: object) => one.api.post('/organizations', body, { token: owner.token })

it('makes as many as are wanted, and no more when two processes do so at once', async () => {
  await create({ name: unique('Gone') })
  await create({ name: unique('Gone') })
  await Promise.all([one, other].map(({ platform }) => platform.tenancy.spares.refill()))
  await Promise.all([one, other].map(({ platform }) => platform.tenancy.spares.refill()))
  expect(await spareIds()).toHaveLength(3)
  expect(await other.platform.tenancy.spares.refill()).toBe(false)
})

it('says so as soon as one is ready, so that it is warm before somebody asks for it', async () => {
  await create({ name: unique('Gone') })
  const { core, tenancy } = one.platform
  const readyWhenTold: Promise<number>[] = []
  const spareMade = () => readyWhenTold.push(spareIds().then((ids) => ids.length))
  const { servers, provisioner } = tenancy
  const keeper = new SpareKeeper({ core, servers, provisioner, wanted: 3, spareMade, log: silentLogger })
  expect(await keeper.refill()).toBe(true)
  expect(await keeper.refill()).toBe(false)
  expect(await Promise.all(readyWhenTold)).toEqual([3])
})

it('gives the oldest to an organization, which keeps its id and is whole', async () => {
  const [next] = await spareIds()
  const reply = await create({ name: unique('Fast') })
  expect(reply).toMatchObject({
    status: 201,
    body: { id: next, status: 'active', database_name: `tenant_${next}` },
  })
  await expect(one.api.login(owner, next)).resolves.toMatchObject({ email: owner.email })
  expect(await spareIds()).not.toContain(next)
  const [row] = await inCore(
    one.platform,
    sql`SELECT provisioning_step, is_created_event_due FROM tenants WHERE id = ${next}`,
  )
  expect(row).toEqual({ provisioning_step: 'activate', is_created_event_due: false })
})

it('gives none twice to eight who ask at once, and makes the rest inline', async () => {
  const spares = await spareIds()
  const replies = await atOnce(8, () => create({ name: unique('Crowd') }))
  expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(201))
  const ids = replies.map(({ body }) => body.id)
  expect(new Set(ids).size).toBe(8)
  for (const spare of spares) expect(ids).toContain(spare)
  for (const id of ids)
    expect(await inTenant(one.platform, id, sql`SELECT email FROM users`)).toEqual([{ email: owner.email }])
})

it('keeps the spare of an organization whose slug is taken', async () => {
  const slug = unique('taken')
  expect((await create({ name: 'First', slug })).status).toBe(201)
  const before = await spareIds()
  expect(await create({ name: 'Second', slug })).toMatchObject({ status: 409, body: { code: 'slug-taken' } })
  expect(await spareIds()).toEqual(before)
})

it('B7 shows nobody a spare: its id is that of an unknown tenant', async () => {
  const [spare = ''] = await spareIds()
  const unknown = '01990000-0000-7000-8000-000000000000'
  const answer = async (tenantId: string) => {
    const body = { email: `${unique('who')}@example.com`, password: PASSWORD }
    const replies = [
      await one.api.post('/auth/login', body, { tenantId }),
      await one.api.post('/auth/register', body, { tenantId }),
    ]
    return replies.map(({ status, body: { instance: _, ...problem } }) => ({ status, problem }))
  }
  expect(await answer(spare)).toEqual(await answer(unknown))
})

it('migrates one that lacks a migration before anybody gets it', async () => {
  const [outdated = ''] = await spareIds()
  await inCore(one.platform, sql`UPDATE tenants SET schema_version = '20200101000000' WHERE id = ${outdated}`)
  expect((await create({ name: unique('Newer') })).body.id).not.toBe(outdated)
  await refill()
  expect(await spareIds()).toContain(outdated)
})

it('leaves one of a newer program to that program', async () => {
  const [newer = ''] = await spareIds()
  await inCore(one.platform, sql`UPDATE tenants SET schema_version = '29990101000000' WHERE id = ${newer}`)
  try {
    await refill()
    expect((await create({ name: unique('Older') })).body.id).not.toBe(newer)
    expect(await spareIds()).toContain(newer)
  } finally {
    await inCore(
      one.platform,
      sql`UPDATE tenants SET schema_version = (SELECT max(schema_version) FROM tenants WHERE status = 'active') WHERE id = ${newer}`,
    )
  }
})
