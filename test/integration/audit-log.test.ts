import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditCatalogue, createRepeats, recordAudit, recordAuditLast } from '../../src/audit/index.ts'
import { MIGRATIONS } from '../../src/compose.ts'
import { migrateDown, migrateUp, readMigrations } from '../../src/migrations/index.ts'
import {
  fromAddress,
  type Logger,
  newId,
  postgresError,
  runInContext,
  silentLogger,
  systemClock,
} from '../../src/platform/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const noteAudit = auditCatalogue({ 'note.shared': { readers: 'number' } })

/** What an action's entries in the core log, or a tenant's, say. */
async function entriesOf(targetId: string, realm?: string): Promise<Record<string, unknown>[]> {
  const statement = sql`SELECT * FROM audit_log WHERE target_id = ${targetId} ORDER BY id`
  return await (realm === undefined
    ? inCore(test.platform, statement)
    : inTenant(test.platform, realm, statement))
}

function shared(id: string, details = { readers: 1 }) {
  return noteAudit('note.shared', { actor: { kind: 'system' }, target: { kind: 'note', id }, details })
}

const sqlstate = (error: unknown) => postgresError(error)?.code

/** What a tenant's role may do with its log. */
async function rightsIn(realm: string): Promise<unknown[]> {
  const { rows } = await test.platform.tenancy.withTenant(realm, (tenant) =>
    tenant.orm.execute(
      sql`SELECT wanted FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS wanted
        WHERE has_table_privilege('audit_log', wanted)`,
    ),
  )
  return rows.map(({ wanted }) => wanted)
}

const CHANGES = [
  sql`UPDATE audit_log SET outcome = 'failure'`,
  sql`DELETE FROM audit_log`,
  sql`DELETE FROM audit_log WHERE false`,
  sql`TRUNCATE audit_log`,
]

describe('O15 the log is append-only', () => {
  it.each(CHANGES)('for a tenant’s role: %#', async (statement) => {
    const outcome = test.platform.tenancy.withTenant(tenantId, (tenant) => tenant.orm.execute(statement))
    expect(await outcome.catch(sqlstate)).toBe('42501')
  })

  it.each(CHANGES)(
    'for the platform’s role, in the core database and in a tenant’s: %#',
    async (statement) => {
      expect(await inCore(test.platform, statement).catch(sqlstate)).toBe('42501')
      expect(await inTenant(test.platform, tenantId, statement).catch(sqlstate)).toBe('42501')
    },
  )

  it('by the grants alone, whatever the trigger says', async () => {
    expect(await rightsIn(tenantId)).toEqual(['SELECT', 'INSERT'])
  })

  it('in a database that was made before there was one', async () => {
    const { tenancy } = test.platform
    const { id } = await test.api.createOrganization(owner)
    const record = await tenancy.find(id)
    const set = await readMigrations(MIGRATIONS.tenant)
    if (!record) throw new Error('no tenant')
    const steps = set.files.length - set.files.findIndex(({ fileName }) => fileName.includes('audit_log'))
    await tenancy.maintain(record, (connection) => migrateDown(connection, set, { steps }))
    expect(await inTenant(test.platform, id, sql`SELECT to_regclass('audit_log') AS log`)).toEqual([
      { log: null },
    ])
    await tenancy.maintain(record, (connection) => migrateUp(connection, set))
    await tenancy.withTenant(id, async (tenant) => {
      const note = newId()
      await tenant.transaction((tx) => recordAudit(tx, shared(note)))
      const { rows } = await tenant.orm.execute(sql`SELECT action FROM audit_log WHERE target_id = ${note}`)
      expect(rows).toEqual([{ action: 'note.shared' }])
    })
    expect(await rightsIn(id)).toEqual(['SELECT', 'INSERT'])
  })

  it('but for old rows, by the one who owns it', async () => {
    const note = newId()
    await test.platform.core.transaction((tx) => recordAudit(tx, shared(note)))
    await test.platform.core
      .transaction(async (tx) => {
        await tx.orm.execute(sql`SET LOCAL tenantry.audit_retention = 'on'`)
        expect(await tx.orm.execute(sql`UPDATE audit_log SET outcome = 'x'`).catch(sqlstate)).toBe('42501')
      })
      .catch(() => undefined)
    await test.platform.core.transaction(async (tx) => {
      await tx.orm.execute(sql`SET LOCAL tenantry.audit_retention = 'on'`)
      await tx.orm.execute(sql`DELETE FROM audit_log WHERE target_id = ${note}`)
    })
    expect(await entriesOf(note)).toEqual([])
    expect(await inCore(test.platform, sql`DELETE FROM audit_log`).catch(sqlstate)).toBe('42501')
  })
})

describe('an entry', () => {
  const rename = (name: string) => sql`UPDATE users SET full_name = ${name} WHERE id = ${owner.id}`
  const isCalled = async (name: string) =>
    (await inCore(test.platform, sql`SELECT FROM users WHERE full_name = ${name}`)).length === 1

  it.each([
    ['among others', recordAudit],
    ['at the end', recordAuditLast],
  ])('is there if and only if its change is: %s', async (_, record) => {
    const { core } = test.platform
    const [done, undone, late] = [newId(), newId(), newId()]
    const [first, second, third] = [unique('first'), unique('second'), unique('third')]
    await core.transaction(async (tx) => {
      await tx.orm.execute(rename(first))
      await record(tx, shared(done))
    })
    const broken = { ...shared(undone), actor: { kind: 'system', id: 'no id' } } as const
    const failing = core.transaction(async (tx) => {
      await tx.orm.execute(rename(second))
      await record(tx, broken)
    })
    await expect(failing).rejects.toThrow()
    const changeFails = core.transaction(async (tx) => {
      await recordAudit(tx, shared(late))
      await tx.orm.execute(rename(third))
      throw new Error('the change was not to be')
    })
    await expect(changeFails).rejects.toThrow('not to be')
    expect([await isCalled(first), await isCalled(second), await isCalled(third)]).toEqual([
      true,
      false,
      false,
    ])
    const counts = [await entriesOf(done), await entriesOf(undone), await entriesOf(late)].map(
      ({ length }) => length,
    )
    expect(counts).toEqual([1, 0, 0])
  })

  it('says by the database’s clock when, and of the request where from', async () => {
    const note = newId()
    const requestId = newId()
    await runInContext(fromAddress({ request_id: requestId }, '203.0.113.77'), () =>
      test.platform.core.transaction((tx) => recordAudit(tx, shared(note, { readers: 7 }))),
    )
    const [entry] = await entriesOf(note)
    expect(entry).toMatchObject({
      action: 'note.shared',
      actor_kind: 'system',
      actor_id: null,
      acted_by: null,
      target_kind: 'note',
      outcome: 'success',
      network: '203.0.113.0/24',
      request_id: requestId,
      details: { readers: 7 },
    })
    const [{ age } = { age: -1 }] = await inCore<{ age: number }>(
      test.platform,
      sql`SELECT extract(epoch FROM now() - occurred_at)::float8 AS age FROM audit_log WHERE target_id = ${note}`,
    )
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(60)
  })

  it('of work that no client asked for says so', async () => {
    const note = newId()
    await test.platform.core.transaction((tx) => recordAudit(tx, shared(note)))
    expect(await entriesOf(note)).toMatchObject([{ network: null, request_id: null }])
  })
})

describe('what somebody may do as often as he likes', () => {
  it('is recorded a few times in a minute, however often it is', async () => {
    const { core, log } = test.platform
    let now = new Date('2026-01-01T00:00:00Z')
    const repeats = createRepeats({ clock: { now: () => now }, log })
    const [one, other] = [newId(), newId()]
    const note = (id: string) => repeats.note(core, id, (readers) => shared(id, { readers }))
    for (let attempt = 0; attempt < 1_000; attempt++) note(one)
    note(other)
    now = new Date('2026-01-01T00:01:00Z')
    note(one)
    await repeats.settle()
    const counts = async (id: string) => (await entriesOf(id)).map(({ details }) => details)
    expect((await counts(one)).map((details) => Object.values(details as object)[0])).toEqual([
      1, 10, 100, 1_000, 1,
    ])
    expect(await counts(other)).toEqual([{ readers: 1 }])
  })

  it('fails nobody when it cannot be recorded', async () => {
    const failed: unknown[] = []
    const log = {
      ...silentLogger,
      error: (...line: unknown[]) => void failed.push(line),
    } as unknown as Logger
    const repeats = createRepeats({ clock: systemClock, log })
    repeats.note(test.platform.core, 'key', () => ({
      ...shared(newId()),
      actor: { kind: 'system', id: 'no id' },
    }))
    await repeats.settle()
    expect(failed).toHaveLength(1)
  })
})
