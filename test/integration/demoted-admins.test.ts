import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiReply, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { whileHeld } from '../support/held-lock.ts'
import { invite } from '../support/invitations.ts'
import { mailsTo } from '../support/mailbox.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'

let test: CheckedPlatform
let tenantId: string
let owner: LinkedPerson
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = await enter(test, tenantId, founder)
})
afterAll(() => test.close())

const callOf = ({ tenantToken }: LinkedPerson) => ({ token: tenantToken, tenantId })

type Act = (admin: LinkedPerson, invitation: string) => Promise<ApiReply>
const ACTS: readonly (readonly [string, Act])[] = [
  ['sends an invitation again', (admin, id) => test.api.post(`/invitations/${id}/resend`, {}, callOf(admin))],
  ['revokes an invitation', (admin, id) => test.api.delete(`/invitations/${id}`, callOf(admin))],
  [
    'invites',
    (admin) =>
      test.api.post('/invitations', { email: `${unique('x')}@example.com`, role: 'member' }, callOf(admin)),
  ],
  [
    'changes the policy',
    (admin) => test.api.patch('/organization', { registration: 'closed' }, callOf(admin)),
  ],
]

it.each(ACTS)('M3 an admin who is demoted while a request is on its way no more %s', async (_, act) => {
  const admin = await addLinked(test, tenantId, 'admin')
  const invited = await invite(test, tenantId, owner, `${unique('guest')}@example.com`)
  const sent = (await mailsTo(test, invited.email)).length
  const lock = 'SELECT FROM organization_policy FOR UPDATE'
  const [reply] = await whileHeld(test, tenantId, lock, async (held) => {
    const acting = act(admin, invited.id)
    await held.waiting(1, acting)
    await held.run(`UPDATE users SET role = 'member' WHERE id = '${admin.memberId}'`)
    return [acting]
  })
  expect(reply).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
  expect(await mailsTo(test, invited.email)).toHaveLength(sent)
  const open = await test.api.get('/invitations?status=pending', callOf(owner))
  expect(open.body.items.map(({ id }: { id: string }) => id)).toContain(invited.id)
  const { body } = await test.api.get('/organization', callOf(owner))
  expect(body.registration).toBe('open')
})
