import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { ACCESS_TOKEN, ID, REFRESH_TOKEN } from '../support/shapes.ts'

let test: CheckedPlatform
beforeAll(async () => {
  test = await startCheckedPlatform()
})
afterAll(() => test.close())

/** `AuthResponse` of the platform itself: these fields and no others. */
function signedIn(email: string, fullName: string | null) {
  return {
    user: {
      id: expect.stringMatching(ID),
      email,
      email_verified: false,
      full_name: fullName,
      is_active: true,
    },
    access_token: expect.stringMatching(ACCESS_TOKEN),
    token_type: 'bearer',
    expires_in: 600,
    refresh_token: expect.stringMatching(REFRESH_TOKEN),
    scope: 'core',
  }
}

describe('an account on the platform', () => {
  it('is registered: 201 and signed in at once', async () => {
    const email = `${unique('ann')}@example.com`
    const reply = await test.api.post('/auth/register', { email, password: PASSWORD, full_name: 'Ann Lee' })
    expect(reply.status).toBe(201)
    expect(reply.body).toEqual(signedIn(email, 'Ann Lee'))
  })

  it.each([[{}], [{ full_name: null }]])('needs no name: %j', async (extra) => {
    const email = `${unique('bob')}@example.com`
    const reply = await test.api.post('/auth/register', { email, password: PASSWORD, ...extra })
    expect(reply.status).toBe(201)
    expect(reply.body).toEqual(signedIn(email, null))
  })

  it('signs in: 200, the same user in a session of its own', async () => {
    const ann = await test.api.register()
    const reply = await test.api.post('/auth/login', { email: ann.email, password: ann.password })
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual(signedIn(ann.email, null))
    expect(reply.body.user.id).toBe(ann.id)
    expect(reply.body.refresh_token).not.toBe(ann.refreshToken)
    const sessions = [ann.token, reply.body.access_token].map((token) => decodeJwt(token)['sid'])
    expect(new Set(sessions).size).toBe(2)
  })

  it('refreshes: 200, new tokens of the same session', async () => {
    const ann = await test.api.register({ fullName: 'Ann Lee' })
    const reply = await test.api.post('/auth/refresh', { refresh_token: ann.refreshToken })
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual(signedIn(ann.email, 'Ann Lee'))
    expect(decodeJwt(reply.body.access_token)['sid']).toBe(decodeJwt(ann.token)['sid'])
    expect((await test.api.get('/organizations/me', { token: reply.body.access_token })).status).toBe(200)
  })

  it('gets tokens as RFC 9068 writes them', async () => {
    const ann = await test.api.register()
    expect(decodeProtectedHeader(ann.token)).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: expect.any(String),
    })
    const claims = decodeJwt(ann.token)
    expect(claims).toEqual({
      iss: `urn:uuid:${await test.platform.tenancy.installationId()}`,
      aud: 'core',
      sub: ann.id,
      sid: expect.stringMatching(ID),
      jti: expect.stringMatching(ID),
      amr: ['pwd'],
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 600,
    })
  })

  it('is never answered from a cache, and says how long a token lives', async () => {
    const short = await startCheckedPlatform({ env: { ACCESS_TOKEN_TTL: '2m' } })
    try {
      const email = `${unique('ann')}@example.com`
      const reply = await short.api.post('/auth/register', { email, password: PASSWORD })
      expect(reply.body.expires_in).toBe(120)
      expect(reply.headers['cache-control']).toBe('no-store')
    } finally {
      await short.close()
    }
  })
})
