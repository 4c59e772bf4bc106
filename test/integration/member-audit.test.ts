import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { acceptAsNew, invite, sentTo } from '../support/invitations.ts'
import { addLinked, enter } from '../support/people.ts'

let test: CheckedPlatform
beforeAll(async () => {
  test = await startCheckedPlatform()
})
afterAll(() => test.close())

it('what is done to members and invitations is in the organization’s audit log, and what was refused is not', async () => {
  const founder = await test.api.register()
  const { id: tenantId } = await test.api.createOrganization(founder)
  const owner = await enter(test, tenantId, founder)
  const heir = await addLinked(test, tenantId)
  const call = { token: owner.tenantToken, tenantId }
  const path = `/members/${heir.memberId}`
  await test.api.patch('/organization', { registration: 'invite' }, call)
  await test.api.patch(path, { role: 'admin' }, call)
  await test.api.patch(path, { role: 'admin' }, call)
  await test.api.post(`${path}/deactivate`, {}, call)
  await test.api.post(`${path}/reactivate`, {}, call)
  await test.api.delete(`/members/${owner.memberId}`, call)
  const first = await invite(test, tenantId, owner, `${unique('guest')}@example.com`)
  await test.api.post(`/invitations/${first.id}/resend`, {}, call)
  const token = await sentTo(test, first.email)
  const guest = (await acceptAsNew(test, tenantId, token)).body.user.id
  await acceptAsNew(test, tenantId, token)
  const second = await invite(test, tenantId, owner, `${unique('guest')}@example.com`, 'admin')
  await test.api.delete(`/invitations/${second.id}`, call)
  await test.api.delete(`/members/${guest}`, call)
  await test.api.post('/organization/transfer', { member_id: heir.memberId }, call)

  const { items } = (await test.api.get('/audit?limit=100', call)).body
  const ours = (items as { action: string }[]).filter(({ action }) =>
    /^(member|invitation|organization[.](policy|transfer))/.test(action),
  )
  const by = (id: string, action: string, kind: string, target: string, details: object = {}) =>
    expect.objectContaining({
      action,
      actor: expect.objectContaining({ kind: 'user', id }),
      target: { kind, id: target },
      outcome: 'success',
      details,
    })
  const me = owner.memberId
  expect(ours.reverse()).toEqual([
    by(me, 'organization.policy_changed', 'organization', tenantId, { fields: ['registration'] }),
    by(me, 'member.role_changed', 'user', heir.memberId, { from: 'member', to: 'admin' }),
    by(me, 'member.deactivated', 'user', heir.memberId),
    by(me, 'member.reactivated', 'user', heir.memberId),
    by(me, 'invitation.created', 'invitation', first.id, { role: 'member' }),
    by(me, 'invitation.resent', 'invitation', first.id),
    by(guest, 'invitation.accepted', 'invitation', first.id, { role: 'member' }),
    by(me, 'invitation.created', 'invitation', second.id, { role: 'admin' }),
    by(me, 'invitation.revoked', 'invitation', second.id),
    by(me, 'member.removed', 'user', guest),
    by(me, 'organization.transferred', 'user', heir.memberId),
  ])
})
