import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { mailsTo } from '../support/mailbox.ts'
import { addLinked } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
})
afterAll(() => test.close())

/** Whose refresh token it is, and where. */
interface Holder {
  readonly email: string
  readonly refreshToken: string
  readonly tenantId?: string
}

const HOLDERS: readonly (readonly [who: string, make: () => Promise<Holder>])[] = [
  ['a platform user', () => test.api.register()],
  ['a user of an organization', async () => ({ ...(await test.api.register({ tenantId })), tenantId })],
  [
    'a linked user',
    async () => {
      const { email, tenantRefreshToken } = await addLinked(test, tenantId)
      return { email, refreshToken: tenantRefreshToken, tenantId }
    },
  ],
]

const refresh = ({ refreshToken, tenantId: realm }: Holder) =>
  test.api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId: realm })

/** Lets the seconds pass in which a token may come again. */
async function outlast({ tenantId: realm }: Holder): Promise<void> {
  const statement: SQL = sql`UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'`
  await (realm === undefined ? inCore(test.platform, statement) : inTenant(test.platform, realm, statement))
}

const lettersTo = async ({ email }: Holder) =>
  (await mailsTo(test, email)).filter(({ kind }) => kind === 'session-reuse')

it.each(HOLDERS)('O1 %s is told once, by mail, that a refresh token came again', async (_who, make) => {
  const holder = await make()
  expect((await refresh(holder)).status).toBe(200)
  expect((await refresh(holder)).status).toBe(200)
  expect(await lettersTo(holder)).toEqual([])
  await outlast(holder)
  for (let again = 0; again < 3; again++) expect((await refresh(holder)).status).toBe(401)
  const [letter, ...more] = await lettersTo(holder)
  expect(more).toEqual([])
  expect(letter).toMatchObject({ subject: 'You were signed out for your safety', link: undefined })
})

it('O1 who was deactivated is told nothing', async () => {
  const holder = { ...(await test.api.register({ tenantId })), tenantId }
  await refresh(holder)
  await outlast(holder)
  await inTenant(test.platform, tenantId, sql`UPDATE users SET is_active = false WHERE id = ${holder.id}`)
  expect((await refresh(holder)).status).toBe(401)
  expect(await lettersTo(holder)).toEqual([])
})
