import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createMailer, type Letter, type Mailer, type MailerOptions } from '../../src/mail/index.ts'
import { systemClock } from '../../src/platform/index.ts'
import { unique } from '../support/api-client.ts'
import { type LogLine, recordLog } from '../support/log-recorder.ts'
import { type MailServer, type Reception, smtpError, startMailServer } from '../support/mail-server.ts'
import { until } from '../support/mailbox.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

const LETTER: Letter = { to: 'ann@example.com', subject: 'Hello', text: 'A text\nof two lines\n' }
const PAUSES = [10, 10, 10]

let platform: TestPlatform
beforeAll(async () => {
  platform = await startPlatform()
})
afterAll(() => platform.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function serverThat(receive?: Reception): Promise<MailServer> {
  const server = await startMailServer(receive)
  open.push(server)
  return server
}

function mailerTo(
  url: string,
  timing: MailerOptions['timing'],
): { mailer: Mailer; lines: readonly LogLine[] } {
  const { log, lines } = recordLog()
  const mail = {
    smtpUrl: url,
    from: 'Tenantry <no-reply@example.com>',
    publicUrl: 'https://app.example.com',
    outbox: false,
    logsText: false,
  }
  const limitFactor = Number.POSITIVE_INFINITY
  const mailer = createMailer({
    core: platform.platform.core,
    clock: systemClock,
    log,
    mail,
    limitFactor,
    timing,
  })
  open.push(mailer)
  return { mailer, lines }
}

const send = (mailer: Mailer, letter = LETTER) => mailer.post('test', 'x', async () => letter)
const messageId = (raw = '') => /^Message-ID: (.*)$/im.exec(raw)?.[1]

describe('a mail server', () => {
  it('gets the letter, from the sender that is configured', async () => {
    const server = await serverThat()
    const { mailer } = mailerTo(server.url, {})
    send(mailer)
    await until(() => server.taken.length === 1)
    const [raw = ''] = server.taken
    expect(raw).toMatch(/^From: Tenantry <no-reply@example.com>\r?$/m)
    expect(raw).toMatch(/^To: ann@example.com\r?$/m)
    expect(raw).toMatch(/^Subject: Hello\r?$/m)
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r?$/m)
    expect(raw).toMatch(/^Content-Type: text\/plain/m)
  })

  it('that says "later" is asked again, with the same letter', async () => {
    const server = await serverThat((before) => {
      if (before < 2) throw smtpError(451)
    })
    const { mailer, lines } = mailerTo(server.url, { pausesMs: PAUSES })
    send(mailer)
    await until(() => server.taken.length === 1)
    expect(server.offered).toHaveLength(3)
    expect(new Set(server.offered.map(messageId)).size).toBe(1)
    expect(messageId(server.taken[0])).toMatch(/^<[\w-]+@example.com>/)
    expect(lines.map(({ response_code }) => response_code)).toEqual([451, 451])
  })

  it('that says "never" is not asked again', async () => {
    const server = await serverThat(() => {
      throw smtpError(550)
    })
    const { mailer, lines } = mailerTo(server.url, { pausesMs: PAUSES })
    send(mailer)
    await until(() => lines.length > 0)
    await mailer.close()
    expect(server.offered).toHaveLength(1)
    expect(lines).toMatchObject([{ msg: 'a mail could not be delivered', kind: 'test', tries: 1 }])
  })

  it('that drops the connection is asked again', async () => {
    const server = await serverThat(async (before) => {
      if (before > 0) return
      server.drop()
      await new Promise(() => undefined)
    })
    const { mailer } = mailerTo(server.url, { pausesMs: PAUSES })
    send(mailer)
    await until(() => server.taken.length === 1)
    expect(server.offered).toHaveLength(2)
  })

  it('that is not there is given up after the last try, without a word of the letter in the log', async () => {
    const server = await startMailServer()
    await server.close()
    const { mailer, lines } = mailerTo(server.url, { pausesMs: PAUSES })
    send(mailer)
    await until(() => lines.length === PAUSES.length + 1)
    expect(lines.at(-1)).toMatchObject({ msg: 'a mail could not be delivered', tries: 4, code: 'ESOCKET' })
    for (const { text } of lines)
      for (const word of ['ann@', 'Hello', 'two lines']) expect(text).not.toContain(word)
  })

  it('that never answers holds a letter no longer than its time, and the end no longer than its own', async () => {
    const server = await serverThat(() => new Promise(() => undefined))
    const { mailer, lines } = mailerTo(server.url, { attemptMs: 500, pausesMs: PAUSES, closeMs: 300 })
    send(mailer)
    await until(() => server.offered.length >= 2)
    const { mailer: hurried, lines: last } = mailerTo(server.url, { attemptMs: 60_000, closeMs: 200 })
    send(hurried)
    const offered = server.offered.length
    await until(() => server.offered.length > offered)
    await hurried.close()
    expect(last.map(({ msg, mails }) => [msg, mails])).toEqual([
      ['mails were not delivered before the end', 1],
    ])
    expect(lines[0]).toMatchObject({ msg: 'a mail could not be delivered yet' })
    server.drop()
  })

  it('is asked once more at the end, for what waits for its next try', async () => {
    const server = await serverThat((before) => {
      if (before === 0) throw smtpError(451)
    })
    const { mailer, lines } = mailerTo(server.url, { pausesMs: [600_000] })
    send(mailer)
    await until(() => lines.length === 1)
    await mailer.close()
    expect(server.taken).toHaveLength(1)
  })
})

describe('a letter', () => {
  it.each([
    ['recipient', { to: 'ann@example.com\r\nBcc: eve@example.com' }],
    ['subject', { subject: 'Hello\nBcc: eve@example.com' }],
  ])('D8 with a line break in its %s is not sent', async (_, part) => {
    const server = await serverThat()
    const { mailer, lines } = mailerTo(server.url, {})
    send(mailer, { ...LETTER, ...part })
    await mailer.settle()
    send(mailer)
    await until(() => server.taken.length === 1)
    expect(server.offered.join()).not.toContain('eve@')
    expect(lines).toMatchObject([{ msg: 'a mail could not be written' }])
    expect(lines[0]?.text).not.toContain('eve@')
  })

  it('D8 says what it says, whatever that looks like', async () => {
    const server = await serverThat()
    const { mailer } = mailerTo(server.url, {})
    const text = '<script>alert(1)</script> {{7*7}} <%= 1 %>\n.\nQUIT\n'
    send(mailer, { ...LETTER, subject: 'Grüße {{7*7}}', text })
    await until(() => server.taken.length === 1)
    expect(server.taken[0]?.replaceAll('\r', '')).toContain(text)
    expect(server.taken).toHaveLength(1)
  })

  it('for the same one is written behind the one before, and others do not wait for it', async () => {
    const server = await serverThat()
    const { mailer } = mailerTo(server.url, {})
    const gate = Promise.withResolvers<undefined>()
    const order: string[] = []
    const write = (name: string, after?: Promise<undefined>) => async () => {
      await after
      order.push(name)
      return undefined
    }
    mailer.post('test', 'ann', write('first', gate.promise))
    mailer.post('test', 'ann', write('second'))
    mailer.post('test', 'bob', write('other'))
    await until(() => order.length === 1)
    gate.resolve(undefined)
    await mailer.settle()
    expect(order).toEqual(['other', 'first', 'second'])
  })

  it('is refused when too many wait, and nobody else hears of it', async () => {
    const { mailer } = mailerTo('smtp://127.0.0.1:1', {})
    const gate = Promise.withResolvers<undefined>()
    let taken = 0
    while (mailer.post('test', 'x', () => gate.promise)) taken++
    expect(taken).toBeLessThanOrEqual(1_000)
    gate.resolve(undefined)
    await mailer.settle()
    expect(mailer.post('test', 'x', async () => undefined)).toBe(true)
  })
})

it('a slow mail server costs a request nothing, and C14 links lead where they are configured to', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await serverThat(() => gate.promise)
  const env = { SMTP_URL: server.url, PUBLIC_URL: 'https://app.example.com/acme/' }
  const other = await startPlatform({ env, databaseUrl: platform.databaseUrl })
  try {
    const email = `${unique('ann')}@example.com`
    await other.api.register({ email })
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
    }
    const reply = await other.api.post('/auth/password/forgot', { email }, { headers })
    expect(reply).toMatchObject({ status: 202, body: { status: 'accepted' } })
    await until(() => server.offered.length === 2)
    expect(server.taken).toEqual([])
    gate.resolve()
    await until(() => server.taken.length === 2)
    const text = server.taken
      .join()
      .replaceAll(/=\r?\n/g, '')
      .replaceAll('=3D', '=')
    expect(text).toMatch(/https:\/\/app\.example\.com\/acme\/verify-email#token=tro_[\w-]{43}/)
    expect(text).toMatch(/https:\/\/app\.example\.com\/acme\/reset-password#token=tro_[\w-]{43}/)
    expect(text).not.toContain('evil')
  } finally {
    gate.resolve()
    await other.close()
  }
})
