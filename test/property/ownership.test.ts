import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiReply } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { runs, within } from '../support/effort.ts'
import { addLinked, enter, type LinkedPerson, type Role } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'

interface Person {
  role: Role
  readonly isActive: boolean
}

/** What the organization should look like: who is in it, as what. */
interface Model {
  readonly people: (Person | undefined)[]
}

interface Real {
  readonly id: string
  readonly people: readonly LinkedPerson[]
}

type Verb = Role | 'deactivate' | 'reactivate' | 'remove' | 'transfer'
interface Step {
  readonly by: number
  readonly to: number
  readonly verb: Verb
}

const PEOPLE = 4

let test: CheckedPlatform
beforeAll(async () => {
  test = await startCheckedPlatform()
})
afterAll(() => test.close())

/** What must come of a step, by the rules as they are told to people; it changes the model. */
function expected(model: Model, step: Step): number | string {
  const actor = model.people[step.by]
  if (!actor?.isActive) return 401
  return step.verb === 'transfer' ? transferred(model, actor, step) : changed(model, actor, step)
}

function transferred(model: Model, actor: Person, { by, to }: Step): number | string {
  const target = model.people[to]
  if (actor.role !== 'owner') return 'permission-denied'
  if (!target) return 404
  if (by === to) return 422
  if (!target.isActive) return 'member-inactive'
  actor.role = 'admin'
  target.role = 'owner'
  return 200
}

function changed(model: Model, actor: Person, { by, to, verb }: Step): number | string {
  const target = model.people[to]
  if (actor.role === 'member' && !(verb === 'remove' && by === to)) return 'permission-denied'
  if (!target) return 404
  const role = isRole(verb) ? verb : target.role
  const concernsOwners = target.role === 'owner' || role === 'owner'
  if (actor.role !== 'owner' && concernsOwners) return 'permission-denied'
  if (role === 'owner' && target.role !== 'owner' && !target.isActive) return 'member-inactive'
  const stays = role === 'owner' && verb !== 'deactivate' && verb !== 'remove'
  if (!stays && isLastOwner(model, target)) return 'last-owner'
  return settle(model, { to, verb }, target)
}

function settle({ people }: Model, { to, verb }: Omit<Step, 'by'>, { role, isActive }: Person): number {
  if (verb === 'remove') {
    people[to] = undefined
    return 204
  }
  people[to] = isRole(verb) ? { role: verb, isActive } : { role, isActive: verb === 'reactivate' }
  return 200
}

function isLastOwner({ people }: Model, person: Person): boolean {
  const owners = people.filter((one) => one?.role === 'owner' && one.isActive)
  return owners.length === 1 && owners[0] === person
}

function isRole(verb: Verb): verb is Role {
  return verb === 'owner' || verb === 'admin' || verb === 'member'
}

async function perform(real: Real, { by, to, verb }: Step): Promise<ApiReply> {
  const person = real.people[by] as LinkedPerson
  // Whoever was let in again has to sign in again.
  const entered = await enter(test, real.id, person).catch(() => person)
  const call = { token: entered.tenantToken, tenantId: real.id }
  const member_id = real.people[to]?.memberId
  if (verb === 'transfer') return await test.api.post('/organization/transfer', { member_id }, call)
  if (verb === 'remove') return await test.api.delete(`/members/${member_id}`, call)
  if (isRole(verb)) return await test.api.patch(`/members/${member_id}`, { role: verb }, call)
  return await test.api.post(`/members/${member_id}/${verb}`, {}, call)
}

/** Both databases say what the model says, and somebody owns the organization. */
async function expectModel(model: Model, { id, people }: Real): Promise<void> {
  const rows = await inTenant<{ id: string; role: string; is_owner: boolean; is_active: boolean }>(
    test.platform,
    id,
    sql`SELECT id, role, is_owner, is_active FROM users`,
  )
  const inOrder = (list: readonly { id: string | undefined }[]) =>
    list.map((one) => JSON.stringify(one)).sort()
  const wanted = model.people.flatMap((one, index) =>
    one
      ? [
          {
            id: people[index]?.memberId,
            role: one.role,
            is_owner: one.role === 'owner',
            is_active: one.isActive,
          },
        ]
      : [],
  )
  expect(inOrder(rows)).toEqual(inOrder(wanted))
  for (const [index, person] of people.entries()) {
    const reply = await test.api.get(`/organizations/${id}`, person)
    const one = model.people[index]
    expect(reply.body.role).toBe(one?.isActive ? one.role : undefined)
    if (reply.status !== 200) continue
    const recorded = people.findIndex((other) => other.id === reply.body.owner_id)
    expect(model.people[recorded]).toEqual({ role: 'owner', isActive: true })
  }
  expect(await inCore(test.platform, sql`SELECT FROM membership_changes`)).toEqual([])
}

const verb = fc.constantFrom<Verb>(
  'owner',
  'owner',
  'admin',
  'member',
  'deactivate',
  'reactivate',
  'remove',
  'transfer',
)
const step = fc.record({ by: fc.nat(PEOPLE - 1), to: fc.nat(PEOPLE - 1), verb })

it(
  'H13 whatever members do to each other, the rules hold, and somebody owns the organization',
  async () => {
    const founder = await test.api.register()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { id } = await test.api.createOrganization(founder)
        const people = [await enter(test, id, founder)]
        const model: Model = { people: [{ role: 'owner', isActive: true }] }
        for (const role of ['owner', 'admin', 'member'] as const) {
          people.push(await addLinked(test, id, role))
          model.people.push({ role, isActive: true })
        }
        for (const one of steps) {
          const wanted = expected(model, one)
          const reply = await perform({ id, people }, one)
          const outcome = typeof wanted === 'string' ? reply.body?.code : reply.status
          expect(outcome, JSON.stringify(one)).toBe(wanted)
        }
        await expectModel(model, { id, people })
      }),
      // Told at a failure, with the seed and the path that repeat it.
      { numRuns: runs(6), verbose: fc.VerbosityLevel.Verbose },
    )
  },
  within(60_000),
)
