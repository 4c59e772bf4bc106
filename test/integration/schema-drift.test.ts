import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandLine } from '../support/command-line.ts'
import { onServer } from '../support/databases.ts'
import { startPlatform, type TestPlatform, templateDatabases } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: TestPlatform
let line: ReturnType<typeof commandLine>
const ids: string[] = []
beforeAll(async () => {
  test = await startPlatform({ ownTemplate: true, env: { SPARE_DATABASES: '0' } })
  const owner = await test.api.register()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(owner)).id)
  ids.sort()
  line = commandLine(test.databaseUrl)
})
afterAll(() => test.close())

const [COLOUR, ROW] = ['ALTER TABLE users ADD colour text', 'table users: column colour only here']
const id = (index: number) => ids[index] ?? ''
const core = (statement: ReturnType<typeof sql>) => inCore(test.platform, statement)
const paint = () => inTenant(test.platform, id(0), sql.raw(COLOUR))
const unpaint = () => inTenant(test.platform, id(0), sql`ALTER TABLE users DROP COLUMN IF EXISTS colour`)
const codes = (data: { exceptions: readonly { code: string; tenants: number }[] }) =>
  data.exceptions.map(({ code, tenants }) => `${code} ${tenants}`)

describe('migrate status tenants --verify', () => {
  it('finds nothing where nothing was changed by hand, and leaves nothing behind', async () => {
    const before = await templateDatabases(test.platform)
    const { code, data } = await line.json('migrate status tenants --verify --check')
    expect({ code, data }).toMatchObject({
      code: 0,
      data: { tenants: 3, never_checked: 0, looked_at: { tenants: 3, clean: 3, drifted: [], failed: [] } },
    })
    expect(await templateDatabases(test.platform)).toEqual(before)
  })

  it('names the drifted one with what differs; the core database remembers it until the next look', async () => {
    await paint()
    expect((await line.run('migrate status tenants --check')).code).toBe(0)
    const { code, stdout } = await line.run('migrate status tenants --verify --check')
    expect(code).toBe(3)
    expect(stdout).toContain(`${id(0)}  ${ROW}`)
    expect(stdout).toContain('3 looked into, 1 drifted')
    const status = await line.json('migrate status tenants --check')
    expect(status.code).toBe(3)
    expect(status.data.exceptions).toMatchObject([
      { code: 'drifted', examples: [id(0)], drifts: [{ id: id(0), differences: [ROW], more: 0 }] },
    ])
    expect(status.data.exceptions[0].drifts[0].as_of).toMatch(/^\d{4}-.*Z$/)
    expect((await line.run('migrate status tenants')).stdout).toMatch(new RegExp(`${id(0)} .*Z  ${ROW}`))
    await unpaint()
    expect(codes((await line.json('migrate status tenants')).data)).toEqual(['drifted 1'])
    expect((await line.run('migrate status tenants --verify --check')).code).toBe(0)
    expect((await line.json('migrate status tenants --check')).data.exceptions).toEqual([])
  })

  it('looks into those that are named, and says of which it could not: exit 4', async () => {
    await paint()
    await core(sql`UPDATE tenants SET database_name = database_name || '_lost' WHERE id = ${id(1)}`)
    const only = await line.json(`migrate status tenants --verify --tenant ${id(2)} --check`)
    expect(only).toMatchObject({ code: 0, data: { looked_at: { tenants: 1, clean: 1 } } })
    expect(only.data.versions).toBeUndefined()
    const { code, data, stderr } = await line.json('migrate status tenants --verify --concurrency 2')
    expect({ code, data }).toMatchObject({
      code: 4,
      data: { looked_at: { clean: 1, drifted: [{ id: id(0) }], failed: [{ id: id(1) }], not_tried: 0 } },
    })
    expect(stderr).toContain('does not exist')
    await core(sql`UPDATE tenants SET database_name = 'tenant_' || id`)
    await unpaint()
  })

  it('cannot compare what its files are not known of, and keeps what it knew', async () => {
    await paint()
    await line.run('migrate status tenants --verify')
    await inTenant(test.platform, id(0), sql`UPDATE tenantry.migrations SET checksum = checksum || 'x'`)
    await unpaint()
    const { code, data } = await line.json('migrate status tenants --verify')
    expect(code).toBe(4)
    expect(data.looked_at.failed).toMatchObject([{ id: id(0), error: expect.stringContaining('was edited') }])
    // Its checksum is what the ledger says, so that the status calls it edited too.
    expect(codes(data)).toEqual(['edited 1', 'drifted 1'])
    const one = await line.run(`migrate status tenants --tenant ${id(0)}`)
    expect(one.stdout).toMatch(/ edited /)
    await inTenant(test.platform, id(0), sql`UPDATE tenantry.migrations SET checksum = rtrim(checksum, 'x')`)
    expect((await line.json('migrate status tenants --verify --check')).code).toBe(0)
  })

  it('compares a tenant that lacks files with what those make that it has', async () => {
    const down = `migrate down tenants --tenant ${id(2)} --yes --allow-data-loss`
    expect((await line.run(down)).code).toBe(0)
    const { code, data } = await line.json('migrate status tenants --verify')
    expect({ code, drifted: data.looked_at.drifted }).toEqual({ code: 0, drifted: [] })
    await inTenant(test.platform, id(2), sql`CREATE TABLE leftover (id int)`)
    const again = await line.json('migrate status tenants --verify')
    expect(again.data.looked_at.drifted).toMatchObject([
      { id: id(2), differences: ['table leftover: only here'] },
    ])
    // It is migrated all the same, and what was seen stands until the next look.
    expect((await line.run(`migrate up tenants --tenant ${id(2)}`)).code).toBe(0)
    expect(codes((await line.json('migrate status tenants')).data)).toEqual(['drifted 1'])
    await inTenant(test.platform, id(2), sql`DROP TABLE leftover`)
    expect((await line.json('migrate status tenants --verify --check')).code).toBe(0)
  })

  it('goes with tenants only', async () => {
    expect((await line.run('migrate status core --verify')).code).toBe(2)
  })
})

describe('tenantry doctor', () => {
  it('schema-drifted: says what differs, and the status knows of it', async () => {
    await paint()
    const found = async () =>
      (await line.json('doctor')).data.findings.filter(
        ({ code }: { code: string }) => code === 'schema-drifted',
      )
    expect(await found()).toMatchObject([
      { severity: 'warning', tenant_id: id(0), text: expect.stringContaining(ROW), is_mendable: false },
    ])
    expect(codes((await line.json('migrate status tenants')).data)).toEqual(['drifted 1'])
    await unpaint()
    expect(await found()).toEqual([])
    expect((await line.json('migrate status tenants --check')).code).toBe(0)
  })

  it('makes no template that is not there', async () => {
    const templates = await templateDatabases(test.platform)
    for (const name of templates) await onServer((server) => server.query(`DROP DATABASE "${name}"`))
    const { data } = await line.json('doctor')
    expect(data.findings.filter(({ code }: { code: string }) => /^schema|^check/.test(code))).toEqual([])
    expect(await templateDatabases(test.platform)).toEqual([])
  })
})

it.each(['doctor', 'migrate status tenants --verify'])(
  'a checksum that was never noted is noted by %s',
  async (command) => {
    const read = () => core(sql`SELECT schema_checksum FROM tenants ORDER BY id`)
    const before = await read()
    await core(sql`UPDATE tenants SET schema_checksum = NULL`)
    await line.run(command)
    expect(await read()).toEqual(before)
  },
)

describe('L5 what is newer than this program', () => {
  it('is left alone by migrate up tenants, which says so: exit 3', async () => {
    const version = '20990101000000'
    const before = await core(sql`SELECT id, schema_version, migrations_applied FROM tenants ORDER BY id`)
    await core(
      sql`UPDATE tenants SET schema_version = ${version}, migrations_applied = migrations_applied + 1 WHERE id <> ${id(0)}`,
    )
    for (const command of ['migrate up tenants', 'migrate up tenants --dry-run']) {
      const { code, stderr } = await line.run(command)
      expect({ code, stderr }).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('2 tenants are newer'),
      })
    }
    const { code, data } = await line.json('migrate up tenants')
    expect({ code, data }).toMatchObject({ code: 3, data: { up_to_date: 1, newer: 2 } })
    expect(await line.json('migrate status tenants --check')).toMatchObject({
      code: 3,
      data: { exceptions: [{ code: 'newer', tenants: 2 }] },
    })
    // One that is behind is migrated beside them.
    await line.run(`migrate down tenants --tenant ${id(0)} --yes --allow-data-loss`)
    const run = await line.run('migrate up tenants')
    expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining('1 done, 0 failed') })
    for (const row of before)
      await core(
        sql`UPDATE tenants SET schema_version = ${row['schema_version']}, migrations_applied = ${row['migrations_applied']}
            WHERE id = ${row['id']}`,
      )
    expect((await line.run('migrate up tenants')).code).toBe(0)
  })

  it('is refused by migrate up core: exit 3', async () => {
    await core(
      sql`INSERT INTO tenantry.migrations (version, name, checksum, state) VALUES ('20990101000000', 'later', 'x', 'applied')`,
    )
    const { code, stdout, stderr } = await line.run('migrate up core')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('20990101000000')
    expect((await line.run('migrate status core')).stdout).toMatch(/20990101000000 +later +newer/)
    expect((await line.run('migrate status core --check')).code).toBe(3)
    await core(sql`DELETE FROM tenantry.migrations WHERE version = '20990101000000'`)
    expect((await line.run('migrate up core')).code).toBe(0)
  })
})
