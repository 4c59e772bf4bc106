import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { databaseMark } from '../../src/tenancy/databases/store.ts'
import { groupRoleName } from '../../src/tenancy/roles/store.ts'
import { catalogue, type Patient, startPatient, strangeName } from '../support/patient.ts'

let patient: Patient
let tenant: { readonly id: string; readonly name: string }
let ourId: string
beforeAll(async () => {
  patient = await startPatient()
  tenant = await patient.organization()
  ourId = await patient.test.platform.tenancy.installationId()
})
afterAll(() => patient.close())

/** A database without a tenant, made by the platform's role as a tenant's would be. */
async function strange(mark: (id: string) => string, name = strangeName()): Promise<string> {
  await patient.platformRole(`CREATE DATABASE "${name}" TEMPLATE template0`)
  await patient.platformRole(`COMMENT ON DATABASE "${name}" IS '${mark(name.slice('tenant_'.length))}'`)
  return name
}
const drop = (name: string) => patient.admin(`DROP DATABASE "${name}" WITH (FORCE)`)
/** Looks with --fix and sees that nothing about these databases and roles was changed. */
async function fixWithoutTouching(...names: string[]) {
  const before = await catalogue(patient, names)
  const examination = await patient.doctor('--fix')
  expect(await catalogue(patient, names)).toEqual(before)
  return examination
}

it('database-without-tenant: our own database is never dropped, because nobody knows what it holds', async () => {
  const name = await strange((id) => databaseMark(ourId, id))
  const { code, findings } = await fixWithoutTouching(name)
  expect({ code, findings }).toMatchObject({
    code: 3,
    findings: [{ code: 'database-without-tenant', severity: 'warning', subject: name, is_mendable: false }],
  })
  await patient.admin(findings[0]?.statement ?? '')
  expect(await patient.doctor()).toMatchObject({ code: 0, findings: [] })
})

it('database-half-dropped: our own one without a tenant is dropped', async () => {
  const name = await strange((id) => databaseMark(ourId, id))
  await patient.admin(`UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${name}'`)
  expect(await patient.doctor()).toMatchObject({
    findings: [{ code: 'database-half-dropped', subject: name }],
  })
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
  expect(await patient.admin(`SELECT FROM pg_database WHERE datname = '${name}'`)).toEqual([])
})

it('other-installation, database-unknown: others’ databases are told and left alone, half dropped or not', async () => {
  const others = [
    await strange((id) => databaseMark(newId(), id)),
    await strange((id) => databaseMark(newId(), id)),
  ]
  const unknown = [await strange(() => 'somebody’s'), await strange(() => databaseMark(ourId, newId()))]
  const halves = `'${others[1]}', '${unknown[1]}'`
  await patient.admin(`UPDATE pg_database SET datconnlimit = -2 WHERE datname IN (${halves})`)
  const { code, findings } = await fixWithoutTouching(...others, ...unknown)
  expect({ code, findings }).toMatchObject({
    code: 0,
    findings: [
      { code: 'other-installation', severity: 'info', text: expect.stringContaining('2 databases') },
      { code: 'database-unknown', severity: 'info', text: expect.stringContaining('2 databases') },
    ],
  })
  for (const name of [...others, ...unknown]) await drop(name)
})

it('role-without-tenant: ours is dropped, and nobody else’s', async () => {
  const [ours, theirs, used] = [strangeName(), strangeName(), strangeName()]
  const group = groupRoleName(ourId)
  for (const name of [ours, theirs, used]) await patient.platformRole(`CREATE ROLE "${name}" LOGIN`)
  await patient.platformRole(`GRANT "${group}" TO "${ours}"; GRANT "${group}" TO "${used}"`)
  await strange((id) => databaseMark(newId(), id), used)
  expect((await patient.doctor()).findings).toMatchObject([
    { code: 'role-without-tenant', subject: ours },
    { code: 'other-installation' },
  ])
  expect(await fixWithoutTouching(theirs, used)).toMatchObject({ code: 0, mended: [{ subject: ours }] })
  expect(await patient.admin(`SELECT FROM pg_roles WHERE rolname = '${ours}'`)).toEqual([])
  await drop(used)
  await patient.platformRole(`DROP ROLE "${theirs}"; DROP ROLE "${used}"`)
})

it.each([
  ['mark-foreign', (name: string) => `COMMENT ON DATABASE "${name}" IS '${databaseMark(newId(), newId())}'`],
  ['marker-foreign', () => `UPDATE tenant_identity SET installation_id = gen_random_uuid()`],
  ['marker-foreign', () => `UPDATE tenant_identity SET organization_id = gen_random_uuid()`],
])('%s: a database that is somebody else’s is not opened, whatever its name', async (code, harm) => {
  const { id, name } = await patient.organization()
  await patient.admin(harm(name), name)
  await patient.admin(
    `GRANT CONNECT ON DATABASE "${name}" TO PUBLIC; REVOKE CONNECT ON DATABASE "${name}" FROM "${name}"`,
  )
  await patient.admin(`ALTER DATABASE "${name}" CONNECTION LIMIT 7`)
  const examination = await fixWithoutTouching(name)
  expect(examination.code).toBe(3)
  expect(examination.findings).toContainEqual(
    expect.objectContaining({ code, subject: name, is_mendable: false }),
  )
  const refused = examination.findings.filter(({ is_mendable }) => is_mendable)
  expect(refused.map((finding) => finding.code).sort()).toEqual([
    'connect-missing',
    'database-limit',
    'public-connect',
  ])
  for (const { mend_error } of refused) expect(mend_error).toContain('names somebody else')
  await patient.admin(
    `DELETE FROM organizations WHERE id = '${id}'; DELETE FROM tenants WHERE id = '${id}'`,
    core(),
  )
  await drop(name)
  await patient.admin(`DROP ROLE "${name}"`)
})

const core = () => new URL(patient.postgres.url).pathname.slice(1)

it('marker-missing: where the comment proves nothing either, nothing is written', async () => {
  await patient.admin('DELETE FROM tenant_identity', tenant.name)
  await patient.admin(`COMMENT ON DATABASE "${tenant.name}" IS 'an operator’s note'`)
  const { findings } = await fixWithoutTouching(tenant.name)
  expect(findings).toMatchObject([
    { code: 'marker-missing', mend_error: expect.stringContaining('nothing proves') },
    { code: 'mark-missing', mend_error: expect.stringContaining('nothing proves') },
  ])
  await patient.admin(`COMMENT ON DATABASE "${tenant.name}" IS '${databaseMark(ourId, tenant.id)}'`)
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
})

it('database-missing, database-half-dropped: what a customer lost is told, and not made anew', async () => {
  const [whole, half] = [await patient.organization(), await patient.organization()]
  await drop(whole.name)
  await patient.admin(`UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${half.name}'`)
  const { findings } = await fixWithoutTouching(whole.name, half.name)
  expect(findings.toSorted((one, other) => one.code.localeCompare(other.code))).toMatchObject([
    { code: 'database-half-dropped', severity: 'error', subject: half.name, is_mendable: false },
    { code: 'database-missing', severity: 'error', subject: whole.name, is_mendable: false },
  ])
  await patient.admin(`UPDATE pg_database SET datconnlimit = 20 WHERE datname = '${half.name}'`)
  await patient.admin(`UPDATE tenants SET status = 'spare' WHERE id = '${whole.id}'`, core())
  expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
})
