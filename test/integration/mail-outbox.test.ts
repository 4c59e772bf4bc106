import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { recordLog } from '../support/log-recorder.ts'
import { mailsTo } from '../support/mailbox.ts'
import { startPlatform, TEST_SECRET, type TestPlatform } from '../support/platform.ts'

const PRODUCTION = { NODE_ENV: 'production', RATE_LIMITS: 'on', TENANTRY_SECRET: TEST_SECRET }

let test: TestPlatform
let user: SignedInUser
beforeAll(async () => {
  test = await startPlatform()
  user = await test.api.register()
})
afterAll(() => test.close())

const forgot = (email: string, at = test, headers = {}) =>
  at.api.post('/auth/password/forgot', { email }, { headers, faulty: true })
const read = (headers: Record<string, string> = {}, remoteAddress = '127.0.0.1', at = test) =>
  at.app.inject({ url: '/dev/mail', headers, remoteAddress })

describe('GET /dev/mail', () => {
  it('shows what was not sent, newest first, as JSON or as a page', async () => {
    await forgot(user.email)
    await mailsTo(test, user.email)
    const reply = await read()
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(reply.json().slice(0, 2)).toMatchObject([
      { kind: 'password-reset', to: user.email, subject: 'Choose a new password' },
      { kind: 'email-verification', to: user.email },
    ])
    const page = await read({ accept: 'text/html' })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body).toContain('<h2>Choose a new password</h2>')
  })

  it('D8 shows letters as text', async () => {
    const text = '<script>alert(1)</script>'
    test.platform.mailer.post('test', 'x', async () => ({ to: 'x@example.com', subject: text, text }))
    await test.platform.mailer.settle()
    const page = await read({ accept: 'text/html' })
    expect(page.body).not.toContain('<script>')
    expect(page.body).toContain('&lt;script&gt;')
  })

  it('keeps a hundred', async () => {
    for (let letter = 0; letter < 110; letter++)
      test.platform.mailer.post('test', 'x', async () => ({
        to: 'x@example.com',
        subject: `${letter}`,
        text: '',
      }))
    await test.platform.mailer.settle()
    expect((await read()).json()).toHaveLength(100)
  })

  it.each([
    ['another machine', {}, '203.0.113.7'],
    ['a proxy’s client', { 'x-forwarded-for': '203.0.113.7' }, '127.0.0.1'],
    ['a page whose name points here', { host: 'evil.example' }, '127.0.0.1'],
  ])('is not there for %s: 404', async (_, headers, address) => {
    expect((await read(headers, address)).statusCode).toBe(404)
  })
})

it('O16 production keeps no mail and shows none; what needs it says so, and registration goes on', async () => {
  const { log, lines } = recordLog()
  const other = await startPlatform({ env: PRODUCTION, databaseUrl: test.databaseUrl, log })
  try {
    expect((await read({}, '127.0.0.1', other)).statusCode).toBe(404)
    const known = await other.api.register()
    for (const email of [known.email, `${unique('nobody')}@example.com`])
      expect(await forgot(email, other)).toMatchObject({ status: 501, body: { code: 'mail-off' } })
    const call = { token: known.token, faulty: true }
    expect((await other.api.post('/auth/email/verification', undefined, call)).status).toBe(501)
    const change = { email: `${unique('new')}@example.com`, current_password: PASSWORD }
    expect((await other.api.post('/auth/email/change', change, call)).status).toBe(501)
  } finally {
    await other.close()
  }
  for (const { text } of lines) for (const secret of ['tro_', PASSWORD]) expect(text).not.toContain(secret)
})

it('O16 the link is in the log of development, and in no other', async () => {
  for (const environment of ['development', 'test']) {
    const { log, lines } = recordLog()
    const env = { NODE_ENV: environment }
    const other = await startPlatform({ env, databaseUrl: test.databaseUrl, log })
    await other.api.register()
    await other.platform.events.settle()
    await other.close()
    expect(lines.some(({ text }) => text.includes('tro_'))).toBe(environment === 'development')
  }
})

describe('the configuration', () => {
  const problems = (env: Record<string, string>) => () => loadConfig({ ...PRODUCTION, ...env })

  it('of mail in production is complete or absent', () => {
    expect(problems({ SMTP_URL: 'smtps://user:pw@mail.example.com' })).toThrow(/MAIL_FROM.*\n.*PUBLIC_URL/)
    const { mail } = loadConfig({
      ...PRODUCTION,
      SMTP_URL: 'smtps://user:pw@mail.example.com',
      MAIL_FROM: 'Acme <no-reply@acme.example>',
      PUBLIC_URL: 'https://acme.example/app/',
    })
    expect(mail).toMatchObject({ publicUrl: 'https://acme.example/app', outbox: false, logsText: false })
  })

  it.each([
    ['SMTP_URL', 'http://mail.example.com'],
    ['SMTP_URL', 'mail.example.com'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['PUBLIC_URL', 'https://user@acme.example'],
    ['PUBLIC_URL', 'https://acme.example/#x'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'Acme <a@b>\nBcc: eve@example.com'],
  ])('names what is wrong with %s, without its value: %s', (name, value) => {
    expect(problems({ [name]: value })).toThrow(name)
    expect(problems({ [name]: value })).not.toThrow(value)
  })
})
