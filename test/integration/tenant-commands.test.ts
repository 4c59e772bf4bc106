import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'

const UNKNOWN = '01990000-0000-7000-8000-000000000000'

let test: TestPlatform
let owner: SignedInUser
let tenant: { id: string; slug: string; database_name: string }
let line: ReturnType<typeof commandLine>
beforeAll(async () => {
  test = await startPlatform()
  owner = await test.api.register()
  tenant = await test.api.createOrganization(owner)
  line = commandLine(test.databaseUrl)
})
afterAll(() => test.close())

describe('tenants show', () => {
  it('says everything but secrets', async () => {
    const { code, data } = await line.json(`tenants show ${tenant.id}`)
    expect(code).toBe(0)
    expect(data).toMatchObject({
      id: tenant.id,
      status: 'active',
      is_spare: false,
      server: 'main',
      database_name: tenant.database_name,
      provisioning_step: 'activate',
      provisioning_attempts: 0,
      last_error: null,
      is_claimed: false,
      credentials_version: 0,
      is_rotation_unfinished: false,
      organization: { slug: tenant.slug, owner_id: owner.id, owner_email: owner.email },
    })
    const [row] = await inCore<{ sealed_password: string }>(
      test.platform,
      sql`SELECT sealed_password FROM tenants WHERE id = ${tenant.id}`,
    )
    expect(row?.sealed_password).toMatch(/^[0-9a-f]{8}[.]/)
    expect(JSON.stringify(data)).not.toContain(row?.sealed_password)
    expect(JSON.stringify(data)).not.toMatch(/sealed|password|token/)
  })

  it('E shows a name that would colour the terminal without its power', async () => {
    const name = 'Shown \u001b[31m& \u202eCo'
    await inCore(test.platform, sql`UPDATE organizations SET name = ${name} WHERE id = ${tenant.id}`)
    const { stdout } = await line.run(`tenants show ${tenant.id}`)
    expect(stdout).toMatch(/^organization name: +Shown \ufffd\[31m& \ufffdCo$/m)
  })
})

describe('tenants list', () => {
  it('names servers, tells spares apart, and looks for one status', async () => {
    const claim = await test.platform.core.transaction((tx) =>
      test.platform.tenancy.provisioner.reserveSpare(tx, '00000000-0000-7000-8000-000000000001'),
    )
    await test.platform.tenancy.provisioner.complete(claim)
    const { data } = await line.json('tenants list')
    expect(data).toContainEqual(expect.objectContaining({ id: tenant.id, server: 'main', is_spare: false }))
    expect(data).toContainEqual(expect.objectContaining({ id: claim.tenantId, is_spare: true }))
    const spares = await line.json('tenants list --status spare')
    expect(spares.data).toMatchObject([{ id: claim.tenantId, status: 'spare', server: 'main' }])
    expect((await line.run('tenants list --status spare')).stdout).toMatch(/ {2}spare +main +\d{14} +yes$/m)
    expect((await line.run('tenants list --status nonsense')).code).toBe(2)
  })
})

describe('tenants create', () => {
  const create = (...args: string[]) => line.json(['tenants', 'create', ...args])

  it('makes an organization that its owner can use', async () => {
    const name = `Ada & ${unique('Co')}`
    const { code, data } = await create('--name', name, '--owner', owner.email.toUpperCase())
    expect(code).toBe(0)
    expect(data).toMatchObject({ name, status: 'active', owner_id: owner.id })
    await expect(test.api.login(owner, data.id)).resolves.toMatchObject({ email: owner.email })
    const due = await inCore(
      test.platform,
      sql`SELECT is_created_event_due AS due FROM tenants WHERE id = ${data.id}`,
    )
    expect(due).toEqual([{ due: false }])
  })

  it('takes a slug, once', async () => {
    const slug = unique('slug')
    expect((await create('--name', 'One', '--owner', owner.email, '--slug', slug)).data).toMatchObject({
      slug,
    })
    const again = await line.run([
      'tenants',
      'create',
      '--name',
      'Two',
      '--owner',
      owner.email,
      '--slug',
      slug,
    ])
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('slug') })
  })

  it.each([
    ['an owner who is nobody', ['--name', 'X', '--owner', 'nobody@example.com']],
    ['an owner who is no address', ['--name', 'X', '--owner', '$(id)']],
    ['a name of spaces', ['--name', '  ', '--owner', 'OWNER']],
    ['a name with control characters', ['--name', 'X\u001b[31m', '--owner', 'OWNER']],
    ['a slug that is none', ['--name', 'X', '--owner', 'OWNER', '--slug', 'x; rm -rf /']],
    ['no owner', ['--name', 'X']],
  ])('E8 refuses %s: exit 2', async (_, args) => {
    const words = args.map((word) => (word === 'OWNER' ? owner.email : word))
    expect(await line.run(['tenants', 'create', ...words])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('tenants suspend and resume', () => {
  const me = (token: string) => test.api.get('/users/me', { token, tenantId: tenant.id })

  it('B8 let nobody in and everybody in again, however often they are said', async () => {
    const { token } = await test.api.login(owner, tenant.id)
    expect((await line.json(`tenants suspend ${tenant.id}`)).data).toMatchObject({ changed: true })
    expect((await line.run(`tenants suspend ${tenant.id}`)).stdout).toBe(
      `${tenant.id}: was already suspended\n`,
    )
    test.platform.tenancy.invalidate(tenant.id)
    expect(await me(token)).toMatchObject({ status: 403, body: { code: 'tenant-suspended' } })
    expect((await line.run(`tenants resume ${tenant.id}`)).stdout).toBe(`${tenant.id}: now active\n`)
    expect((await line.json(`tenants resume ${tenant.id}`)).data).toMatchObject({ changed: false })
    test.platform.tenancy.invalidate(tenant.id)
    expect((await me(token)).status).toBe(200)
  })

  it('leave alone a tenant that is neither', async () => {
    await inCore(test.platform, sql`UPDATE tenants SET status = 'failed' WHERE id = ${tenant.id}`)
    for (const verb of ['suspend', 'resume']) {
      const { code, stdout, stderr } = await line.run(`tenants ${verb} ${tenant.id}`)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain('is failed')
    }
    await inCore(test.platform, sql`UPDATE tenants SET status = 'active' WHERE id = ${tenant.id}`)
  })
})

it.each(['show', 'suspend', 'resume', 'rotate-credentials'])(
  'E8 tenants %s takes an id of a tenant that there is',
  async (verb) => {
    for (const id of [UNKNOWN, 'x; rm -rf', '../..', 'NULL'])
      expect(await line.run(['tenants', verb, id])).toMatchObject({ code: 2, stdout: '' })
  },
)
