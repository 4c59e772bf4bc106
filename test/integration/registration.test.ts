import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
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

const fresh = (prefix = 'new') => `${unique(prefix)}@example.com`
const register = (body: object, realm?: string) =>
  test.api.post('/auth/register', { email: fresh(), password: PASSWORD, ...body }, { tenantId: realm })

function refusal(pointer: string, code: string) {
  return { status: 422, body: { code: 'validation-failed', errors: [{ pointer, code }] } }
}

describe('an e-mail address', () => {
  it('D2 is the same account in any case, where it registers and where it signs in', async () => {
    for (const realm of [undefined, tenantId]) {
      const email = fresh('Ann.Lee')
      const first = await register({ email }, realm)
      expect(first).toMatchObject({ status: 201, body: { user: { email: email.toLowerCase() } } })
      for (const spelling of [email.toUpperCase(), email.toLowerCase()]) {
        const again = await register({ email: spelling }, realm)
        expect(again).toMatchObject({ status: 409, body: { code: 'email-taken' } })
        const login = { email: spelling, password: PASSWORD }
        const reply = await test.api.post('/auth/login', login, { tenantId: realm })
        expect(reply.body.user.id).toBe(first.body.user.id)
      }
    }
  })

  it('D4 is stored with its domain as A-labels, and found under either form', async () => {
    const local = unique('ann')
    const first = await register({ email: `${local}@bücher.example` })
    expect(first).toMatchObject({
      status: 201,
      body: { user: { email: `${local}@xn--bcher-kva.example` } },
    })
    for (const domain of ['xn--bcher-kva.example', 'BÜCHER.example'])
      expect((await register({ email: `${local}@${domain}` })).status).toBe(409)
  })

  it('D5 with a plus tag or a dot more is another account', async () => {
    const local = unique('ann')
    for (const spelling of [local, `${local}+tag`, local.replace('-', '.')])
      expect((await register({ email: `${spelling}@example.com` })).status).toBe(201)
  })

  it.each(['a@b@example.com', 'ann@localhost', 'ann@127.0.0.1', 'ann lee@example.com', 'änn@example.com'])(
    'D4 %s is refused: 422',
    async (email) => {
      for (const realm of [undefined, tenantId])
        expect(await register({ email }, realm)).toMatchObject(refusal('/email', 'invalid-format'))
      // Where it signs in, it is simply unknown.
      const login = await test.api.post('/auth/login', { email, password: PASSWORD })
      expect(login).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
    },
  )

  it('D4 of a megabyte is not looked at', async () => {
    const email = `${'a'.repeat(50_000)}@example.com`
    expect(await register({ email })).toMatchObject(refusal('/email', 'too-long'))
  })
})

describe('a password', () => {
  const signIn = async (stored: string, tried: string) => {
    const email = fresh()
    expect((await register({ email, password: stored })).status).toBe(201)
    return (await test.api.post('/auth/login', { email, password: tried })).status
  }

  it.each([
    ['NFD where NFC was stored', 'Zoë’s café éé'.normalize('NFC'), 'Zoë’s café éé'.normalize('NFD')],
    ['with its leading space', ' leading space', ' leading space'],
    ['of 256 code points', `${'x'.repeat(250)}Qz7!🔑🔑`, `${'x'.repeat(250)}Qz7!🔑🔑`],
  ])('D10 signs in %s', async (_, stored, tried) => {
    expect(await signIn(stored, tried)).toBe(200)
  })

  it.each([
    ['without its leading space', ' leading space', 'leading space'],
    ['that differs in character 73', `${'x'.repeat(72)}A!`, `${'x'.repeat(72)}B!`],
    ['that is cut off', `${'x'.repeat(72)}A!`, 'x'.repeat(72)],
    ['in another case', 'Correct Horse Battery', 'correct horse battery'],
  ])('D10 does not sign in %s', async (_, stored, tried) => {
    expect(await signIn(stored, tried)).toBe(401)
  })

  it.each([
    ['too-short', 'sevench'],
    ['too-short', '🔑'.repeat(7)],
    ['too-long', 'x'.repeat(257)],
    ['too-long', '\ufdfa'.repeat(100)],
    ['blank', ' '.repeat(12)],
    ['too-common', 'password123'],
    ['too-guessable', 'tenantry1'],
  ])('D12 is refused with the reason %s: %j', async (code, password) => {
    for (const realm of [undefined, tenantId])
      expect(await register({ password }, realm)).toMatchObject(refusal('/password', code))
  })

  it('D12 that is the e-mail address or the name is refused', async () => {
    const email = fresh('guessable')
    const full_name = 'Guenevere Pendragon'
    for (const password of [email, email.split('@')[0], full_name, `${full_name}1`])
      expect(await register({ email, full_name, password })).toMatchObject(
        refusal('/password', 'too-guessable'),
      )
  })

  it.each([
    ['D11 a lone surrogate', 'lone surrogate \ud800 here'],
    ['D10 a NUL', 'a password\u0000with NUL'],
    ['a control character', 'a password\u0007that beeps'],
  ])('%s is refused: 422', async (_, password) => {
    expect(await register({ password })).toMatchObject(refusal('/password', 'forbidden-character'))
    const login = await test.api.post('/auth/login', { email: owner.email, password })
    expect(login).toMatchObject(refusal('/password', 'forbidden-character'))
  })

  it('is stored as an argon2id hash with the parameters of today, in both realms', async () => {
    const core = await test.api.register()
    const member = await test.api.register({ tenantId })
    const statement = (id: string) => sql`SELECT password_hash FROM users WHERE id = ${id}`
    const rows = [
      ...(await inCore<{ password_hash: string }>(test.platform, statement(core.id))),
      ...(await inTenant<{ password_hash: string }>(test.platform, tenantId, statement(member.id))),
    ]
    expect(rows).toHaveLength(2)
    for (const { password_hash } of rows)
      expect(password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(rows[0]?.password_hash).not.toBe(rows[1]?.password_hash)
  })
})

describe('a body', () => {
  it.each(['email', 'password'])('without %s is refused: 422', async (missing) => {
    const body = { email: fresh(), password: PASSWORD, [missing]: undefined }
    for (const action of ['register', 'login'])
      expect(await test.api.post(`/auth/${action}`, body)).toMatchObject(refusal(`/${missing}`, 'required'))
  })

  it.each([7, true, null, [], {}, ['a@example.com']])(
    'C5 with %j for a text is refused: 422',
    async (value) => {
      for (const field of ['email', 'password'])
        expect(await register({ [field]: value })).toMatchObject(refusal(`/${field}`, 'type'))
    },
  )

  it.each(['__proto__', 'constructor'])('C3 with the name %s is refused: 400', async (name) => {
    const text = `{"email":"${fresh()}","password":"${PASSWORD}","${name}":{"is_active":false}}`
    const reply = await test.app.inject({
      method: 'POST',
      url: '/api/v1/auth/register',
      headers: { 'content-type': 'application/json' },
      payload: text,
    })
    expect(reply.json()).toMatchObject({ status: 400, code: 'malformed-request' })
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
