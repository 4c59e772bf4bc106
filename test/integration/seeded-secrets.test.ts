import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { commandLine } from '../support/command-line.ts'
import { startPlatform } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { SecretBook } from '../support/secrets/index.ts'

let first: CheckedPlatform
beforeAll(async () => {
  first = await startCheckedPlatform()
})
afterAll(() => first.close())

const NEW = 'a seeded pass phrase of one test'
/** Of each kind that is known by its looks. */
const LOOKS = [
  `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.c`,
  ...['trt', 'tro', 'trm', 'tnk'].map((prefix) => `${prefix}_${'x'.repeat(43)}`),
  'otpauth://totp/Tenantry:ann',
  '$argon2id$v=19$m=19456',
  'SCRAM-SHA-256$4096:salt',
  'postgres://tenantry:hunter2@localhost/core',
]

describe('O16 the search for secrets', () => {
  it.each(LOOKS)('knows by its looks: %s', (secret) => {
    const found = new SecretBook().find('log', `{"msg":"got ${secret}"}`)
    expect(found).toMatch(/^O16 an? .* is in the log: /)
    expect(found).not.toContain(secret)
  })

  it('knows what it was taught in every spelling, and does not repeat it', () => {
    const book = new SecretBook()
    const secret = 'pass "phrase" + ümlaut'
    book.learnFrom({ deep: [{ new_password: secret }], recovery_codes: ['aaaa-bbbb-cccc-dddd'] })
    for (const spelling of [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      'aaaa-bbbb-cccc-dddd',
    ])
      expect(book.find('database', `x ${spelling} y`), spelling).toMatch(
        /^O16 (new_password|recovery_codes) /,
      )
    expect(book.find('log', `new_password ${secret}`)).not.toContain(secret)
    expect(book.find('log', 'pass phrase, aaaa-bbbb')).toBeUndefined()
  })

  it('takes a random hash, an address without a password and a word for nothing', () => {
    const book = new SecretBook()
    book.learnFrom({ password: 'password', email: 'ann@example.com' })
    for (const text of [
      `eyJ${'a'.repeat(40)}`,
      `xtrt_${'a'.repeat(43)}`,
      'https://ann@example.com:1/',
      'password',
    ])
      expect(book.find('log', text), text).toBeUndefined()
  })
})

describe('O16 the end of a test finds a seeded secret', () => {
  it('in the log, though nobody checks the answers, and whatever level it has', async () => {
    const other = await startPlatform({ databaseUrl: first.databaseUrl })
    const { email } = await other.api.register({ password: NEW })
    other.platform.log.debug({ attempt: { email, value: NEW } })
    await expect(other.close()).rejects.toThrow(/^O16 password is in the log/)
  })

  it('in a mail', async () => {
    const other = await startPlatform({ databaseUrl: first.databaseUrl })
    other.platform.mailer.outbox?.keep('welcome', {
      to: 'a@example.com',
      subject: 'Hi',
      text: `It is ${PASSWORD}.`,
    })
    await expect(other.close()).rejects.toThrow(/^O16 a password is in the mail/)
  })

  it.each(['core', 'tenant'])('in a %s database: the audit log has a token of a session', async (where) => {
    const other = await startPlatform()
    const owner = await other.api.register()
    const { id } = await other.api.createOrganization(owner)
    const leak = sql`UPDATE audit_log SET details = jsonb_build_object('was', ${owner.refreshToken}::text)`
    const owned = sql`ALTER TABLE audit_log DISABLE TRIGGER ALL`
    await other.api.login(owner, id)
    const run = (statement: typeof leak) =>
      where === 'core' ? inCore(other.platform, statement) : inTenant(other.platform, id, statement)
    await run(owned).catch(() => undefined)
    await run(leak)
    await expect(other.close()).rejects.toThrow(/^O16 a refresh token is in the database/)
  })

  it('in an answer that gives back what was handed in', async () => {
    const other = await startPlatform()
    const full_name = `I am ${NEW}`
    const email = `${unique('open')}@example.com`
    await expect(other.api.post('/auth/register', { email, password: NEW, full_name })).rejects.toThrow(
      /^O16 password is in the answer/,
    )
    await expect(other.close()).rejects.toThrow(/^O16 password is in the database/)
  })

  it('in what a command writes', async () => {
    const { run } = commandLine(first.databaseUrl)
    await expect(run([PASSWORD])).rejects.toThrow(/^O16 a password is in the process/)
  })
})
