import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { newScimTenant, type ScimTenant, startScim } from '../support/scim.ts'

let test: CheckedPlatform
let tenant: ScimTenant
let known: ReadonlySet<string>
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
  const other = await newScimTenant(test)
  await other.user(`${unique('foreign')}@example.com`, { title: test.plant(other.tenantId), externalId: 'e' })
  for (let count = 0; count < 5; count++)
    await tenant.user(`u${count}-${unique('f')}@example.com`, {
      externalId: `e${count}`,
      displayName: `D ${count}`,
    })
  const { body } = await tenant.send('GET', '/Users')
  known = new Set(body.Resources.map(({ id }: { id: string }) => id))
})
afterAll(() => test.close())

const list = (path: string, filter: string) =>
  tenant.send('GET', `${path}?filter=${encodeURIComponent(filter)}`)

/** What can be searched for, what lies beside it in the tables, and what is no name at all. */
const ATTRIBUTES = [
  'id',
  'userName',
  'USERNAME',
  'externalId',
  'active',
  'displayName',
  'emails',
  'emails.value',
  'emails.type',
  'emails.primary',
  'meta.created',
  'meta.lastModified',
  'members',
  'members.value',
  'title',
  'password',
  'passwordHash',
  'password_hash',
  'users.password_hash',
  'core_user_id',
  'secret_hash',
  'role',
  '__proto__',
  'constructor',
  'urn:ietf:params:scim:schemas:core:2.0:User:userName',
  'a.b.c.d',
  '1',
  'x--',
]
const OPERATORS = [
  'eq',
  'ne',
  'co',
  'sw',
  'ew',
  'gt',
  'ge',
  'lt',
  'le',
  'pr',
  'EQ',
  'like',
  'constructor',
  '=',
]

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    'true',
    'false',
    'null',
    '0',
    '-1',
    '1e999',
    '"True"',
    '"%"',
    '"\'; --"',
    '"\\\\"',
    '"2026-01-01T00:00:00Z"',
    '"0000-99-99T99:99:99Z"',
    '$1',
  ),
)
const comparison = fc
  .tuple(fc.constantFrom(...ATTRIBUTES), fc.constantFrom(...OPERATORS), value)
  .map(([attribute, operator, other]) =>
    operator === 'pr' ? `${attribute} pr` : `${attribute} ${operator} ${other}`,
  )
/** What is understood mostly. */
const likely = fc
  .tuple(
    fc.constantFrom('userName', 'externalId', 'displayName', 'emails.value', 'id'),
    fc.constantFrom('eq', 'ne', 'pr'),
    fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .map((text) => JSON.stringify(text.replaceAll(/\p{C}/gu, ''))),
  )
  .map(([attribute, operator, other]) =>
    operator === 'pr' ? `${attribute} pr` : `${attribute} ${operator} ${other}`,
  )
const { filter: wellFormed } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: comparison, weight: 1 },
    { arbitrary: likely, weight: 3 },
    fc
      .tuple(tie('filter'), fc.constantFrom('and', 'or', 'AND'), tie('filter'))
      .map(([one, op, other]) => `(${one}) ${op} (${other})`),
    tie('filter').map((inner) => `not (${inner})`),
    fc
      .tuple(fc.constantFrom('emails', 'members', 'name'), tie('filter'))
      .map(([name, inner]) => `${name}[${inner}]`),
  ),
}))
const TOKENS = [
  ...ATTRIBUTES,
  ...OPERATORS,
  'and',
  'or',
  'not',
  '(',
  ')',
  '[',
  ']',
  '"',
  '\\',
  '"a"',
  ' ',
  '.',
  ':',
  '\n',
  '\0',
  '\ud800',
  '--',
]
const soup = fc
  .array(fc.constantFrom(...TOKENS), { maxLength: 30 })
  .map((tokens) => tokens.join(' ').toWellFormed())

it('O14 any filter finds users of this organization or is refused, and none is an error of the server', async () => {
  const seen = { found: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/Users', '/Groups'),
      fc.oneof(likely, comparison, wellFormed, soup),
      async (path, filter) => {
        // The client has looked at the status, the body and other tenants' words already: G1 to G8, B19.
        const { status, body } = await list(path, filter)
        expect([200, 400, 414]).toContain(status)
        if (status === 200) {
          seen.found++
          for (const { id } of body.Resources) expect(known).toContain(id)
        } else {
          seen.refused++
          if (body.scimType !== undefined) expect(['invalidFilter', 'invalidSyntax']).toContain(body.scimType)
        }
      },
    ),
    { numRuns: 400 },
  )
  expect(seen.found).toBeGreaterThan(20)
  expect(seen.refused).toBeGreaterThan(20)
})

it('O14 a condition and its opposite find everybody, and nobody twice', async () => {
  const attributes = ['id', 'userName', 'externalId', 'active', 'displayName', 'emails.value', 'meta.created']
  const operators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'pr']
  const text = fc.constantFrom(
    '"e1"',
    '"u1"',
    'true',
    '"D 2"',
    '"example.com"',
    '"2026-01-01T00:00:00Z"',
    ...[...'@.%_'].map((one) => `"${one}"`),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...attributes),
      fc.constantFrom(...operators),
      text,
      async (attribute, operator, other) => {
        const condition = operator === 'pr' ? `${attribute} pr` : `${attribute} ${operator} ${other}`
        const [one, opposite] = [await list('/Users', condition), await list('/Users', `not (${condition})`)]
        expect(one.status).toBe(opposite.status)
        if (one.status !== 200) return
        const ids = [...one.body.Resources, ...opposite.body.Resources].map(({ id }: { id: string }) => id)
        expect(ids.sort()).toEqual([...known].sort())
      },
    ),
    { numRuns: 80 },
  )
})

it.each([
  ['too long', `userName eq "${'x'.repeat(1100)}"`],
  [
    'too deep',
    `${'('.repeat(300)}active eq true${')'.repeat(300)} ${'and not (active eq true'.repeat(12)}${')'.repeat(12)}`,
  ],
  ['too many', Array(40).fill('active eq true').join(' or ')],
  ['deep nots', `${'not ('.repeat(20)}active eq true${')'.repeat(20)}`],
])('O14 a filter that is %s is refused', async (_, filter) => {
  expect(await list('/Users', filter)).toMatchObject({ status: 400, body: { scimType: 'invalidFilter' } })
})
