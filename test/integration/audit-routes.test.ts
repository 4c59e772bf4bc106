import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditCatalogue, recordAudit } from '../../src/audit/index.ts'
import { newId } from '../../src/platform/index.ts'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { ID, TIME } from '../support/shapes.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let otherId: string
/** The owner in each of the two organizations. */
let inside: SignedInUser
let inOther: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  otherId = (await test.api.createOrganization(owner)).id
  inside = await test.api.login(owner, tenantId)
  inOther = await test.api.login(owner, otherId)
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${owner.id}`)
})
afterAll(() => test.close())

const noteAudit = auditCatalogue({
  'note.shared': { readers: 'number' },
  'note_book.shared': {},
  'notes.lost': {},
})
type NoteAction = Parameters<typeof noteAudit>[0]

/** Adds an entry to a tenant's log. */
async function record(realm: string, action: NoteAction, target = newId(), actor = newId()): Promise<void> {
  const entry = noteAudit(action, {
    actor: { kind: 'user', id: actor },
    target: { kind: 'note', id: target },
  })
  await test.platform.tenancy.withTenant(realm, (tenant) =>
    tenant.transaction((tx) => recordAudit(tx, entry)),
  )
}

function read(query = '', token = inside.token, realm = tenantId): Promise<ApiReply> {
  return test.api.get(`/audit${query}`, { token, tenantId: realm })
}

const idsOf = ({ body }: ApiReply): string[] => body.items.map(({ id }: { id: string }) => id)

describe('who may read', () => {
  it.each([
    ['owner', 200],
    ['admin', 200],
    ['member', 403],
  ])('an organization’s log: %s %i', async (role, status) => {
    const user = role === 'owner' ? inside : await test.api.register({ tenantId })
    await inTenant(test.platform, tenantId, sql`UPDATE users SET role = ${role} WHERE id = ${user.id}`)
    for (const path of ['', '/export']) {
      const reply = await read(path, user.token)
      expect(reply.status).toBe(status)
      if (status === 403) expect(reply.body.code).toBe('permission-denied')
    }
  })

  it('the platform’s: its administrators alone', async () => {
    const somebody = await test.api.register()
    for (const path of ['/admin/audit', '/admin/audit/export']) {
      expect((await test.api.get(path, { token: owner.token })).status).toBe(200)
      const refused = await test.api.get(path, { token: somebody.token })
      expect(refused).toMatchObject({ status: 403, body: { code: 'admin-required' } })
      expect((await test.api.get(path, { token: inside.token, tenantId })).status).toBe(403)
    }
  })

  it('B19 each sees its own organization’s and nothing of another’s', async () => {
    const canary = test.plant(tenantId)
    await record(tenantId, 'notes.lost', canary)
    for (const path of [`?target=${canary}`, `/export?target=${canary}`]) {
      expect((await read(path)).text).toContain(canary)
      expect((await read(path, inOther.token, otherId)).text).not.toContain(canary)
      expect((await test.api.get(`/admin/audit${path}`, { token: owner.token })).text).not.toContain(canary)
    }
  })
})

describe('a list', () => {
  it('shows entries whole, newest first', async () => {
    const [note, actor] = [newId(), newId()]
    await record(tenantId, 'note.shared', note, actor)
    await record(tenantId, 'notes.lost', note, actor)
    const { body } = await read(`?target=${note}`)
    expect(body).toEqual({
      items: [
        expect.objectContaining({ action: 'notes.lost' }),
        {
          id: expect.stringMatching(ID),
          occurred_at: expect.stringMatching(TIME),
          action: 'note.shared',
          actor: { kind: 'user', id: actor, acted_by: null },
          target: { kind: 'note', id: note },
          outcome: 'success',
          network: null,
          request_id: null,
          details: {},
        },
      ],
      next_cursor: null,
    })
  })

  it('finds by action, actor, target and time, and by all of them together', async () => {
    const [one, other] = [newId(), newId()]
    await record(tenantId, 'note.shared', one, owner.id)
    await record(tenantId, 'note_book.shared', one, owner.id)
    await record(tenantId, 'note.shared', other, owner.id)
    const actions = async (query: string) =>
      (await read(query)).body.items.map(({ action }: { action: string }) => action)
    expect(await actions(`?target=${one}`)).toEqual(['note_book.shared', 'note.shared'])
    // An underscore stands for itself.
    expect(await actions(`?target=${one}&action=note_`)).toEqual(['note_book.shared'])
    expect(await actions(`?target=${one}&action=note.`)).toEqual(['note.shared'])
    expect(await actions(`?target=${one}&action=book`)).toEqual([])
    expect((await actions(`?actor=${owner.id}&action=note`)).length).toBe(3)
    const [from, to] = [Date.now() - 60_000, Date.now() + 60_000].map((time) => new Date(time).toISOString())
    expect((await actions(`?target=${one}&since=${from}&until=${to}`)).length).toBe(2)
    expect(await actions(`?target=${one}&since=${to}`)).toEqual([])
    expect(await actions(`?target=${one}&until=${from}`)).toEqual([])
    expect(
      (await actions(`?target=${one}&since=1000-01-01T00:00:00Z&until=2999-12-31T23:59:59%2B01:00`)).length,
    ).toBe(2)
  })

  it.each<[string, string | undefined]>([
    ...['-1', '0', '101', '1e9', '1e3', '%D9%A1%D9%A0', '1.0', '+1', '', '01', 'x'].map(
      (limit): [string, string] => [`limit=${limit}`, 'limit'],
    ),
    ['limit=1&limit=2', 'limit'],
    ['limit[]=1', 'limit[]'],
    ['cursor=', 'cursor'],
    ['cursor=abc', 'cursor'],
    [`cursor=${'0'.repeat(64)}`, 'cursor'],
    [`cursor=${'0'.repeat(65)}`, 'cursor'],
    [`cursor=${'f'.repeat(2_000)}`, 'cursor'],
    ['cursor=1%27%20OR%20true--', 'cursor'],
    ['actor=nobody', 'actor'],
    ['action=Note', 'action'],
    ['action=%25', 'action'],
    ["action='%20OR%20true", 'action'],
    ['target=%00', undefined],
    ['target=a%20b', 'target'],
    ['since=yesterday', 'since'],
    ['since=2026-02-30T00:00:00Z', 'since'],
    ['since=2026-06-30T23:59:60Z', 'since'],
    ['until=0000-01-01T00:00:00Z', 'until'],
    ['until=2026-01-01', 'until'],
    ['order=asc', 'order'],
  ])('C19 E1 refuses %s', async (query, field) => {
    const reply = await read(`?${query}`)
    if (field === undefined) return expect([400, 422]).toContain(reply.status)
    const pointer = `#/query/${field}`
    expect(reply).toMatchObject({ status: 422, body: { code: 'validation-failed', errors: [{ pointer }] } })
  })

  it('C19 B10 gives cursors that are good for its own list and nothing else', async () => {
    for (const realm of [tenantId, otherId])
      for (let count = 0; count < 3; count++) await record(realm, 'notes.lost')
    const first = await read('?limit=1')
    const cursor: string = first.body.next_cursor
    expect(first.body.items).toHaveLength(1)
    const next = await read(`?limit=1&cursor=${cursor}`)
    expect(next.status).toBe(200)
    expect(idsOf(next)).not.toEqual(idsOf(first))

    const other: string = (await read('?limit=1', inOther.token, otherId)).body.next_cursor
    const core: string =
      (await test.api.get('/admin/audit?limit=1', { token: owner.token })).body.next_cursor ?? other
    const changed = [...cursor].map(
      (digit, index) => cursor.slice(0, index) + (digit === '0' ? '1' : '0') + cursor.slice(index + 1),
    )
    for (const wrong of [other, core, `${cursor}00`, cursor.slice(0, -2), ...changed]) {
      expect(await read(`?cursor=${wrong}`), wrong).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '#/query/cursor', code: 'invalid-cursor' }] },
      })
    }
    expect((await test.api.get(`/admin/audit?cursor=${cursor}`, { token: owner.token })).status).toBe(422)
  })
})
