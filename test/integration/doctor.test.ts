import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { lockPassword } from '../../src/tenancy/credentials/store.ts'
import { insertServer } from '../../src/tenancy/servers/store.ts'
import { commandLine } from '../support/command-line.ts'
import { type Patient, startPatient, vault } from '../support/patient.ts'

let patient: Patient
let core: string
const tenants: { readonly id: string; readonly name: string }[] = []
beforeAll(async () => {
  patient = await startPatient()
  core = new URL(patient.postgres.url).pathname.slice(1)
  for (let count = 0; count < 6; count++) tenants.push(await patient.organization())
  await patient.spare()
})
afterAll(() => patient.close())

/** But for the time of the last look. */
const TENANTS = `SELECT to_jsonb(tenants) - 'schema_checked_at' AS tenant FROM tenants ORDER BY id`

const tenant = (index: number) => tenants[index] ?? { id: '', name: '' }

describe('tenantry doctor', () => {
  it('finds nothing on a healthy platform, and changes nothing with --fix', async () => {
    const rows = () => patient.admin(TENANTS, core)
    const before = await rows()
    for (const args of ['', '--fix'])
      expect(await patient.doctor(args)).toMatchObject({ code: 0, findings: [], mended: [], tenants: 7 })
    expect(await rows()).toEqual(before)
    const { stdout, stderr } = await patient.line.run('doctor')
    expect({ stdout, stderr }).toEqual({
      stdout: 'servers: 1, tenants with spares: 7, errors: 0, warnings: 0, for information: 0\n',
      stderr: '',
    })
  })

  it('prints a table, with the statements that an administrator may run', async () => {
    await patient.admin('GRANT CONNECT ON DATABASE postgres TO PUBLIC')
    await patient.admin(`ALTER ROLE "${tenant(0).name}" NOLOGIN`)
    const { code, stdout } = await patient.line.run('doctor')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^SEVERITY +SERVER +CODE +SUBJECT +FINDING +STATEMENT$/m)
    expect(stdout).toMatch(
      /^warning +main +public-connect +postgres +.* REVOKE CONNECT ON DATABASE "postgres" FROM PUBLIC;$/m,
    )
    expect(stdout).toMatch(/errors: 1, warnings: 1, for information: 0; --fix tries to mend 1$/m)
    await patient.admin('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC')
    expect((await patient.line.run('doctor --fix')).stdout).toMatch(
      /^mended: main role-wrong tenant_.*: its role may not log in$/m,
    )
  })

  it('leaves a rotation alone that another process is at', async () => {
    const { id } = tenant(0)
    await patient.test.platform.core.transaction(async (lock) => {
      await lockPassword(lock, id)
      await patient.admin(
        `UPDATE tenants SET sealed_previous_password = sealed_password, credentials_version = credentials_version + 1,
           sealed_password = '${vault.seal(id, 'on its way')}' WHERE id = '${id}'`,
        core,
      )
      expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [], mended: [] })
    })
    expect(await patient.doctor('--fix')).toMatchObject({
      code: 0,
      mended: [{ code: 'rotation-unfinished' }],
    })
    await patient.expectUsable(id)
  })

  it('looks at the others past a tenant that cannot be looked at', async () => {
    const [odd, wrong] = [tenant(0), tenant(1)]
    await patient.admin(
      'ALTER TABLE tenant_identity OWNER TO postgres; REVOKE ALL ON tenant_identity FROM PUBLIC',
      odd.name,
    )
    await patient.admin(`ALTER ROLE "${wrong.name}" PASSWORD 'another'`)
    const { code, findings, mended } = await patient.doctor('--fix')
    expect({ code, findings, mended }).toMatchObject({
      code: 3,
      findings: [{ code: 'check-failed', severity: 'error', tenant_id: odd.id }],
      mended: [{ code: 'password-wrong', tenant_id: wrong.id }],
    })
    const role = new URL(patient.postgres.url).username
    await patient.admin(`ALTER TABLE tenant_identity OWNER TO "${role}"`, odd.name)
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0 })
  })

  it('is safe to be run twice at once with --fix', async () => {
    const [one, two, three, four] = tenants
    await patient.admin(`ALTER ROLE "${one?.name}" PASSWORD 'another' NOLOGIN`)
    await patient.admin(
      `GRANT CONNECT ON DATABASE "${two?.name}" TO PUBLIC; COMMENT ON DATABASE "${two?.name}" IS NULL`,
    )
    await patient.admin(`DROP OWNED BY "${three?.name}"; DROP ROLE "${three?.name}"`)
    await patient.admin('DELETE FROM tenant_identity', four?.name)
    await patient.admin(`UPDATE tenants SET sealed_password = NULL WHERE id = '${four?.id}'`, core)
    await patient.admin(
      `UPDATE tenants SET schema_version = NULL, migrations_applied = 0 WHERE status = 'spare'`,
      core,
    )
    const doctors = await Promise.all([
      patient.doctor('--fix'),
      patient.doctor('--fix'),
      patient.doctor('--fix'),
    ])
    for (const { mended } of doctors) expect(mended.length).toBeGreaterThan(0)
    expect(await patient.doctor()).toMatchObject({ code: 0, findings: [] })
    for (const { id } of tenants.slice(0, 4)) await patient.expectUsable(id)
  })

  it('finds nothing wrong while organizations are made and passwords changed', async () => {
    const isOver = Promise.all([
      ...Array.from({ length: 3 }, () => patient.organization()),
      ...tenants.slice(0, 3).map(({ id }) => patient.test.platform.tenancy.rotateCredentials(id)),
    ])
    const looks = [await patient.doctor('--fix'), await patient.doctor('--fix')]
    await isOver
    for (const look of looks) expect(look).toMatchObject({ code: 0, findings: [] })
    for (const { id } of tenants.slice(0, 3)) await patient.expectUsable(id)
  })
})

describe('tenantry doctor with another secret', () => {
  it('secret-wrong: says so and changes nothing', async () => {
    const [spare, failed] = [await patient.spare(), await patient.organization()]
    await patient.admin(
      `UPDATE tenants SET schema_version = NULL, migrations_applied = 0 WHERE id = '${spare.id}';
       UPDATE tenants SET status = 'failed', provisioning_attempts = 4 WHERE id = '${failed.id}'`,
      core,
    )
    const state = async () => [
      await patient.admin('SELECT rolname, rolpassword FROM pg_authid ORDER BY oid'),
      await patient.admin(TENANTS, core),
    ]
    const before = await state()
    const env = { TENANTRY_SECRET: 'another-secret-with-enough-different-characters-42' }
    const { code, data, stderr } = await commandLine(patient.postgres.url).json('doctor --fix', {
      env: { ...env, DATABASE_URL: patient.postgres.url },
    })
    expect(code).toBe(3)
    expect(data.findings).toContainEqual(expect.objectContaining({ code: 'secret-wrong', subject: 'main' }))
    expect(data.mended).toEqual([])
    expect(stderr).toContain('TENANTRY_SECRET')
    expect(await state()).toEqual(before)
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    await patient.expectUsable(failed.id)
  })

  it('secret-wrong: one password that does not open is given up by the statement alone', async () => {
    const { id, name } = tenant(0)
    await patient.admin(`UPDATE tenants SET sealed_password = '00000000.AAAA' WHERE id = '${id}'`, core)
    const { findings } = await patient.doctor('--fix')
    expect(findings).toMatchObject([{ code: 'secret-wrong', subject: name, is_mendable: false }])
    await patient.admin(findings[0]?.statement ?? '', core)
    expect(await patient.doctor('--fix')).toMatchObject({
      code: 0,
      mended: [{ code: 'credentials-missing' }],
    })
    await patient.expectUsable(id)
  })
})

it('server-unreachable: a server that is away, or whose URL does not open, keeps nobody from looking at the others', async () => {
  const { platform } = patient.test
  const id = newId()
  const server = { region: null, capacity: null }
  await insertServer(platform.core, {
    ...server,
    id,
    name: 'away',
    sealedUrl: vault.sealUrl(id, 'postgres://a:b@127.0.0.1:1/c'),
  })
  await insertServer(platform.core, { ...server, id: newId(), name: 'odd', sealedUrl: '00000000.AAAA' })
  await patient.admin(`ALTER ROLE "${tenant(0).name}" NOLOGIN`)
  const { code, findings, mended } = await patient.doctor('--fix')
  expect({ code, findings, mended }).toMatchObject({
    code: 3,
    findings: [
      { code: 'server-unreachable', server: 'away', severity: 'error' },
      { code: 'secret-wrong', server: 'odd', severity: 'error' },
    ],
    mended: [{ code: 'role-wrong', server: 'main' }],
  })
  expect(JSON.stringify(findings)).not.toContain('a:b')
})
