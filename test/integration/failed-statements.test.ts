import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, unique } from '../support/api-client.ts'
import { type LogRecorder, recordLog } from '../support/log-recorder.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'

let recorder: LogRecorder
let test: TestPlatform
beforeAll(async () => {
  recorder = recordLog()
  test = await startPlatform({ log: recorder.log })
  // A rule that only a bug of ours could meet: no input is checked against it.
  await inCore(
    test.platform,
    sql`ALTER TABLE users ADD CONSTRAINT unexpected CHECK (email NOT LIKE 'unexpected%')`,
  )
})
afterAll(() => test.close())

describe('a statement that fails for a reason nobody foresaw', () => {
  const register = () =>
    test.api.post('/auth/register', { email: `${unique('unexpected')}@example.com`, password: PASSWORD })
  const lineOf = (id: string | undefined) =>
    recorder.lines.find(({ request_id, err }) => request_id === id && err !== undefined)

  it('G4 is answered 500 without a word of it', async () => {
    const reply = await register()
    expect(reply).toMatchObject({ status: 500, body: { code: 'internal-error' } })
    expect(reply.text).not.toMatch(/unexpected|users|insert|constraint/i)
  })

  it('is logged with the request’s id and what the database said', async () => {
    const reply = await register()
    expect(lineOf(reply.headers['x-request-id'])?.text).toContain('violates check constraint')
  })

  it('O16 is logged without the values in it, the password’s hash above all', async () => {
    const reply = await register()
    expect(lineOf(reply.headers['x-request-id'])?.text).not.toContain('$argon2')
  })
})
