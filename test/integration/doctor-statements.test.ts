import { afterAll, beforeAll, expect, it } from 'vitest'
import { groupRoleName } from '../../src/tenancy/roles/store.ts'
import { type Patient, startPatient } from '../support/patient.ts'

let patient: Patient
let tenant: { readonly id: string; readonly name: string }
let role: string
beforeAll(async () => {
  patient = await startPatient()
  tenant = await patient.organization()
  role = new URL(patient.postgres.url).username
  await patient.admin('CREATE ROLE backup LOGIN')
})
afterAll(() => patient.close())

/** What only an administrator may mend, or should. */
const DAMAGES: readonly {
  readonly code: string
  readonly severity?: 'warning'
  readonly what: string
  readonly harm: (names: { readonly tenant: string; readonly role: string }) => string
}[] = [
  {
    code: 'public-connect',
    severity: 'warning',
    what: 'everybody may enter the database postgres',
    harm: () => 'GRANT CONNECT ON DATABASE postgres TO PUBLIC',
  },
  {
    code: 'public-connect',
    severity: 'warning',
    what: 'everybody may enter the database template1',
    harm: () => 'GRANT CONNECT ON DATABASE template1 TO PUBLIC',
  },
  {
    code: 'platform-role',
    severity: 'warning',
    what: 'the platform’s role is a superuser',
    harm: (names) => `ALTER ROLE "${names.role}" SUPERUSER`,
  },
  {
    code: 'other-role-connects',
    severity: 'warning',
    what: 'a role of the administrator’s may enter',
    harm: (names) => `SET ROLE "${names.role}"; GRANT CONNECT ON DATABASE "${names.tenant}" TO backup`,
  },
  {
    code: 'role-powerful',
    what: 'a tenant’s role may make roles',
    harm: (names) => `ALTER ROLE "${names.tenant}" CREATEROLE BYPASSRLS`,
  },
  {
    code: 'role-powerful',
    what: 'a tenant’s role may read every file',
    harm: (names) => `GRANT pg_read_server_files TO "${names.tenant}"`,
  },
  {
    code: 'owner-wrong',
    what: 'a tenant’s database belongs to somebody else',
    harm: (names) => `ALTER DATABASE "${names.tenant}" OWNER TO postgres`,
  },
]

it.each(DAMAGES)(
  '$code: $what, which the printed statement mends',
  async ({ code, severity = 'error', harm }) => {
    await patient.admin(harm({ tenant: tenant.name, role }))
    const before = await patient.doctor('--fix')
    expect(before.code).toBe(3)
    const found = before.findings.filter((finding) => finding.code === code)
    expect(found).toMatchObject([{ severity, is_mendable: false, statement: expect.stringMatching(/;$/) }])
    for (const { statement } of found) await patient.admin(statement ?? '')
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    await patient.expectUsable(tenant.id)
  },
)

it.each([
  ['may make schemas', (name: string) => `GRANT CREATE, TEMPORARY ON DATABASE "${name}" TO "${name}"`],
  ['owns a table', (name: string) => `ALTER TABLE users OWNER TO "${name}"`],
  ['may read the list of migrations', () => 'GRANT USAGE ON SCHEMA tenantry TO PUBLIC'],
])('role-powerful: a tenant’s role %s, which the printed statement mends', async (_, harm) => {
  await patient.admin(harm(tenant.name), tenant.name)
  const before = await patient.doctor('--fix')
  expect(before.code).toBe(3)
  const found = before.findings.filter(({ code }) => code === 'role-powerful')
  expect(found).toMatchObject([
    { severity: 'error', is_mendable: false, statement: expect.stringMatching(/;$/) },
  ])
  await patient.admin(found[0]?.statement ?? '', tenant.name)
  await patient.doctor('--fix')
  expect(await patient.doctor()).toMatchObject({ code: 0, findings: [] })
  await patient.expectUsable(tenant.id)
})

it.each(['CREATEDB', 'CREATEROLE'])('server-unfit: the platform’s role may not %s', async (right) => {
  await patient.admin(`ALTER ROLE "${role}" NO${right}`)
  const { code, findings } = await patient.doctor()
  expect({ code, findings }).toMatchObject({
    code: 3,
    findings: [{ code: 'server-unfit', severity: 'error' }],
  })
  expect(findings[0]?.text).toContain(`ALTER ROLE "${role}" ${right};`)
  await patient.admin(`ALTER ROLE "${role}" ${right}`)
})

it('public-connect: the core database is ours to close', async () => {
  const core = new URL(patient.postgres.url).pathname.slice(1)
  await patient.admin(`GRANT CONNECT ON DATABASE "${core}" TO PUBLIC`)
  expect(await patient.doctor()).toMatchObject({
    findings: [{ code: 'public-connect', subject: core, severity: 'error' }],
  })
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
})

it('other-role-connects: another tenant’s role is shut out', async () => {
  const other = await patient.organization()
  await patient.admin(`SET ROLE "${role}"; GRANT CONNECT ON DATABASE "${tenant.name}" TO "${other.name}"`)
  expect(await patient.doctor()).toMatchObject({
    findings: [{ code: 'other-role-connects', severity: 'error' }],
  })
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
})

it('schema-differs: a migration that broke off, and one whose text was changed', async () => {
  const [{ version, checksum } = {}] = await patient.admin(
    'SELECT version, checksum FROM tenantry.migrations ORDER BY version LIMIT 1',
    tenant.name,
  )
  const ledger = (set: string) =>
    patient.admin(`UPDATE tenantry.migrations SET ${set} WHERE version = '${version}'`, tenant.name)
  await ledger(`state = 'started'`)
  expect((await patient.doctor()).findings).toContainEqual(
    expect.objectContaining({ code: 'schema-differs', text: expect.stringContaining('broke off') }),
  )
  await ledger(`state = 'applied', checksum = 'another'`)
  expect(await patient.doctor('--fix')).toMatchObject({
    findings: [{ code: 'schema-differs', text: expect.stringContaining('another text'), is_mendable: false }],
  })
  await ledger(`checksum = '${checksum}'`)
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
})

it('schema-behind: a tenant that lacks migrations is migrated by the command that it names', async () => {
  const { id, name } = await patient.organization()
  const { length } = await patient.admin('SELECT FROM tenantry.migrations', name)
  await patient.line.run(`migrate down tenants --tenant ${id} --steps ${length} --yes --allow-data-loss`)
  const { code, findings } = await patient.doctor()
  expect(code).toBe(3)
  const behind = findings.find((finding) => finding.code === 'schema-behind')
  expect(behind).toMatchObject({ severity: 'warning', tenant_id: id })
  const command = /tenantry (migrate .*)$/.exec(behind?.text ?? '')?.[1] ?? ''
  expect((await patient.line.run(command)).code).toBe(0)
  // Going back took the marker along, whose table was made again with rights like all others.
  const { code: after, findings: left, mended } = await patient.doctor('--fix')
  expect({ after, left }).toEqual({ after: 0, left: [] })
  expect(mended.map((finding) => finding.code).sort()).toEqual(['marker-missing', 'rights-wrong'])
})

it('group-role-missing: the group is made again, with every right that it gave', async () => {
  const group = groupRoleName(await patient.test.platform.tenancy.installationId())
  const names = await patient.admin(
    `SELECT datname AS name FROM pg_database WHERE starts_with(datname, 'tenant')`,
  )
  for (const name of names.map((row) => String(row['name']))) {
    if (name.startsWith('tenantry_template_')) await patient.admin(`DROP DATABASE "${name}"`)
    else if (name.startsWith('tenant_')) await patient.admin(`DROP OWNED BY "${group}"`, name)
  }
  await patient.admin(`DROP ROLE "${group}"`)
  const { findings } = await patient.doctor()
  expect(findings).toContainEqual(expect.objectContaining({ code: 'group-role-missing', subject: group }))
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
  await patient.expectUsable(tenant.id)
  await patient.expectUsable((await patient.organization()).id)
})
