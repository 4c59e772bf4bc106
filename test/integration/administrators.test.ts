import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

let test: TestPlatform
let line: ReturnType<typeof commandLine>
let somebody: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startPlatform()
  line = commandLine(test.databaseUrl)
  somebody = await test.api.register()
  tenantId = (await test.api.createOrganization(somebody)).id
})
afterAll(() => test.close())

const RUNS = '/admin/runs'

describe('tenantry admin create', () => {
  it('makes a user, whose password comes from standard input, an administrator', async () => {
    const email = `${unique('admin')}@example.com`
    const readInput = async () => `${PASSWORD}\n`
    const made = await line.json(`admin create --email ${email} --password -`, { readInput })
    expect(made).toMatchObject({ code: EXIT.done, data: { email, created: true } })
    const { body } = await test.api.post('/auth/login', { email, password: PASSWORD })
    expect((await test.api.get(RUNS, { token: body.access_token })).status).toBe(200)
  })

  it('makes somebody who is there already one, at once', async () => {
    const user = await test.api.register()
    const asked = () => test.api.get(RUNS, { token: user.token })
    expect(await asked()).toMatchObject({ status: 403, body: { code: 'admin-required' } })
    const made = await line.json(`admin create --email ${user.email}`)
    expect(made).toMatchObject({ code: EXIT.done, data: { email: user.email, created: false } })
    expect((await asked()).status).toBe(200)
  })

  it.each([
    ['nobody', 'admin create --email nobody@example.com'],
    ['no address', 'admin create --email nobody'],
    ['a password that others can read', 'admin create --email nobody@example.com --password secret'],
  ])('refuses %s', async (_, args) => {
    const { code, stderr } = await line.run(args)
    expect(code).toBe(EXIT.usage)
    expect(stderr).not.toContain('secret')
  })

  it('refuses a weak password, and makes nobody', async () => {
    const email = `${unique('weak')}@example.com`
    const refused = await line.run(`admin create --email ${email} --password -`, {
      readInput: async () => 'short',
    })
    expect(refused.code).not.toBe(EXIT.done)
    expect((await line.run(`admin create --email ${email}`)).code).toBe(EXIT.usage)
  })
})

describe('the administrators’ routes', () => {
  it('let nobody else in: 401 without a token, 403 with a tenant’s or another user’s', async () => {
    expect((await test.api.get(RUNS)).status).toBe(401)
    const inside = await test.api.login(somebody, tenantId)
    expect(await test.api.get(RUNS, { token: inside.token, tenantId })).toMatchObject({
      status: 403,
      body: { code: 'insufficient-scope' },
    })
    expect((await test.api.get(RUNS, { token: somebody.token })).status).toBe(403)
  })

  it('show runs and their tenants', async () => {
    const admin = await test.api.register()
    await line.run(`admin create --email ${admin.email}`)
    await line.run(`migrate up tenants --tenant ${tenantId}`)
    const { status, body } = await test.api.get(RUNS, { token: admin.token })
    expect(status).toBe(200)
    expect(body).toMatchObject([{ kind: 'up', status: 'finished', planned: 1, done: 1, failed: 0 }])
    const one = await test.api.get(`${RUNS}/${body[0].id}`, { token: admin.token })
    expect(one).toMatchObject({ status: 200, body: { tenants: [{ tenant_id: tenantId, status: 'done' }] } })
    const unknown = await test.api.get(`${RUNS}/${tenantId}`, { token: admin.token })
    expect(unknown).toMatchObject({ status: 404, body: { code: 'not-found' } })
  })
})
