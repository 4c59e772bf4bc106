import { expect } from 'vitest'
import type { ApiReply } from './api-client.ts'
import { mailsTo } from './mailbox.ts'
import type { LinkedPerson } from './people.ts'
import type { TestPlatform } from './platform.ts'

export interface Invited {
  readonly id: string
  readonly email: string
  /** The newest one that was sent. */
  readonly token: string
}

/** Invites an address and reads its mail. */
export async function invite(
  test: TestPlatform,
  tenantId: string,
  by: LinkedPerson,
  email: string,
  role = 'member',
): Promise<Invited> {
  const call = { token: by.tenantToken, tenantId }
  const reply = await test.api.post('/invitations', { email, role }, call)
  expect(reply, `invitation ${reply.text}`).toMatchObject({ status: 201, body: { status: 'pending' } })
  return { id: reply.body.id, email: reply.body.email, token: await sentTo(test, reply.body.email) }
}

/** The token of the newest invitation that was sent to an address. */
export async function sentTo(test: TestPlatform, email: string): Promise<string> {
  const [mail] = (await mailsTo(test, email)).filter(({ kind }) => kind === 'invitation')
  return mail?.token ?? ''
}

/** Accepts an invitation as somebody new. */
export async function acceptAsNew(
  test: Pick<TestPlatform, 'api'>,
  tenantId: string,
  token: string,
  more: object = {},
): Promise<ApiReply> {
  const body = { token, password: 'a long way to go home', ...more }
  return await test.api.post('/invitations/accept', body, { tenantId })
}

/** Accepts an invitation as a platform user. */
export async function acceptAsMe(
  test: Pick<TestPlatform, 'api'>,
  tenantId: string,
  token: string,
  person: { readonly token: string },
): Promise<ApiReply> {
  return await test.api.post(
    `/organizations/${tenantId}/invitations/accept`,
    { token },
    { token: person.token },
  )
}
