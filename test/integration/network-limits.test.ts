import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiCall, ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { registerAdmin } from '../support/impersonation.ts'
import { fromElsewhere, PRODUCTION_LIMITS } from '../support/limits.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

interface Asked {
  readonly method?: Method
  readonly path: string
  readonly body?: object
  readonly call?: ApiCall
}

let both: TwoProcesses
let tenantId: string
let person: SignedInUser
let admin: ApiCall
let owner: ApiCall
beforeAll(async () => {
  const env = { ...PRODUCTION_LIMITS, PUBLIC_URL: 'https://example.com' }
  both = await startTwoProcesses({ env })
  person = await both.one.api.register()
  tenantId = (await both.one.api.createOrganization(person)).id
  owner = { token: (await both.one.api.login(person, tenantId)).token, tenantId }
  admin = { token: (await registerAdmin(both.one)).token }
})
afterAll(() => both.close())

const own = (): ApiCall => ({ token: person.token })
const wrong = { token: 'wrong' }
const ended = { attempt: 'wrong', code: 'wrong' }
const password = 'a brand new pass phrase'
const assertion = { id: 'AAAA', rawId: 'AAAA', type: 'public-key' }

/** What counts together, each in the right form and good for nothing. */
const POLICIES: readonly (readonly [policy: string, routes: () => readonly Asked[]])[] = [
  [
    '"sso";q=60;w=60',
    () => [
      { path: '/auth/sso/start', body: {}, call: { tenantId } },
      { method: 'GET', path: `/auth/sso/callback/${tenantId}?state=wrong&code=wrong` },
      { path: '/auth/sso/token', body: ended },
      { path: '/auth/sso/link', body: {}, call: owner },
      { path: '/auth/sso/link/complete', body: ended, call: owner },
    ],
  ],
  [
    '"proof";q=30;w=60',
    () => [
      { path: '/auth/mfa/verify', body: { mfa_token: 'wrong', code: '000000' } },
      { path: '/auth/mfa/verify/options', body: { mfa_token: 'wrong' } },
      { path: '/auth/step-up', body: { code: '000000' }, call: own() },
      { path: '/auth/step-up/options', call: own() },
      { path: '/auth/mfa/totp', call: own() },
      { path: '/auth/mfa/totp/confirm', body: { code: '000000' }, call: own() },
      { path: '/auth/mfa/passkeys/options', call: own() },
      { path: '/auth/mfa/passkeys', body: { response: creation() }, call: own() },
    ],
  ],
  [
    '"link";q=30;w=60',
    () => [
      { path: '/auth/password/reset', body: { ...wrong, password } },
      { path: '/auth/email/verify', body: wrong },
      { path: '/auth/email/change/confirm', body: wrong },
    ],
  ],
  [
    '"accept-invitation";q=20;w=60',
    () => [
      { path: '/invitations/accept', body: { ...wrong, password }, call: { tenantId } },
      { path: `/organizations/${tenantId}/invitations/accept`, body: wrong, call: own() },
    ],
  ],
  [
    '"login";q=20;w=60',
    () => [
      {
        method: 'PUT',
        path: '/auth/password',
        body: { current_password: 'wrong', new_password: password },
        call: own(),
      },
      { path: '/auth/passkeys/login', body: { response: { ...assertion, response: signed() } } },
    ],
  ],
  [
    '"impersonation";q=30;w=60',
    () => [
      {
        path: `/admin/organizations/${tenantId}/impersonation`,
        body: { reason: 'Ticket 4711: a report', user_id: newId() },
        call: admin,
      },
    ],
  ],
  ['"verify-domain";q=20;w=60', () => [{ path: `/organization/domains/${newId()}/verify`, call: owner }]],
]

const signed = () => ({ clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' })
const creation = () => ({ ...assertion, response: { clientDataJSON: 'AAAA', attestationObject: 'AAAA' } })

describe('I1 limits of networks hold over all processes', () => {
  it.each(POLICIES)('%s', async (policy, routes) => {
    const asked = routes()
    const { headers } = fromElsewhere()
    const ask = async (turn: number, at = turn % asked.length): Promise<ApiReply> => {
      const { method = 'POST', path, body, call } = asked[at] as Asked
      // Both processes are asked for every route.
      const { api } = both[Math.floor(turn / asked.length) % 2 === 0 ? 'one' : 'other']
      return await api.send(method, `/api/v1${path}`, body, { ...call, headers })
    }
    const isRefused = ({ status, headers: told }: ApiReply) =>
      status === 429 && told['ratelimit-policy'] === policy && /;r=0;/.test(told['ratelimit'] ?? '')
    const limit = Number(/q=(\d+)/.exec(policy)?.[1])

    for (let turn = 0; turn < limit; turn++) {
      const reply = await ask(turn)
      expect(isRefused(reply), `${asked[turn % asked.length]?.path} ${reply.text}`).toBe(false)
      expect(reply.body?.code, 'what has no right form is not counted').not.toBe('validation-failed')
    }
    // Each process has seen about half of what it counts itself.
    for (let turn = limit; turn < limit + 2 * asked.length; turn++) {
      const reply = await ask(turn)
      expect(isRefused(reply), `${asked[turn % asked.length]?.path} ${reply.text}`).toBe(true)
      expect(reply.body.code).toBe('rate-limited')
      expect(reply.headers['ratelimit']).toMatch(new RegExp(`;t=${reply.headers['retry-after']}$`))
    }
  })
})
