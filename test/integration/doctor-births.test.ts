import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beginBuilding, templateMark } from '../../src/tenancy/databases/store.ts'
import { unique } from '../support/api-client.ts'
import { breakBirths, healBirths, holdBirths } from '../support/births.ts'
import { on } from '../support/own-postgres.ts'
import { catalogue, type Patient, startPatient } from '../support/patient.ts'

let patient: Patient
let core: string
beforeAll(async () => {
  patient = await startPatient()
  core = new URL(patient.postgres.url).pathname.slice(1)
  await patient.organization()
})
afterAll(() => patient.close())

const inCore = (statement: string) => patient.admin(statement, core)
const statusOf = async (id: string) =>
  (await inCore(`SELECT status, is_unannounced FROM tenants WHERE id = '${id}'`))[0]

describe('a spare', () => {
  it.each([
    ['database-missing', 'lost its database', (name: string) => `DROP DATABASE "${name}"`],
    [
      'database-half-dropped',
      'was dropped in part',
      (name: string) => `UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${name}'`,
    ],
    ['role-missing', 'lost its role', (name: string) => `DROP OWNED BY "${name}"; DROP ROLE "${name}"`],
  ])('%s: it %s, is mended and handed out', async (code, _, harm) => {
    const { id, name } = await patient.spare()
    await patient.admin(harm(name))
    expect((await patient.doctor()).findings).toContainEqual(expect.objectContaining({ code, subject: name }))
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    const organization = await patient.organization()
    expect(organization.id).toBe(id)
    await patient.expectUsable(id)
  })

  it('spare-outdated: it lacks migrations and gets them', async () => {
    const { id, name } = await patient.spare()
    await inCore(`UPDATE tenants SET schema_version = NULL, migrations_applied = 0 WHERE id = '${id}'`)
    const { code, findings } = await patient.doctor()
    expect({ code, findings }).toMatchObject({
      code: 3,
      findings: [{ code: 'spare-outdated', subject: name }],
    })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect((await patient.organization()).id).toBe(id)
  })

  it('spare-outdated: it is newer than the program, which leaves it alone', async () => {
    const { id } = await patient.spare()
    await inCore(`UPDATE tenants SET schema_version = '29990101000000' WHERE id = '${id}'`)
    const { code, findings } = await patient.doctor('--fix')
    expect({ code, findings }).toMatchObject({
      code: 0,
      findings: [{ code: 'spare-outdated', severity: 'info' }],
    })
    await inCore(`UPDATE tenants SET schema_version = NULL, migrations_applied = 0 WHERE id = '${id}'`)
    await patient.doctor('--fix')
    await patient.organization()
  })
})

describe('an organization whose making', () => {
  const interrupted = async () => {
    breakBirths(patient.test.platform)
    const name = unique('Interrupted')
    await patient.test.api.post('/organizations', { name }, { token: patient.owner.token })
    healBirths(patient.test.platform)
    const [row] = await inCore(`SELECT id FROM organizations WHERE name = '${name}'`)
    return String(row?.['id'])
  }

  it('provisioning-stuck: failed is finished, and announced as a reconciler does', async () => {
    const id = await interrupted()
    expect((await patient.doctor()).findings).toMatchObject([
      { code: 'provisioning-stuck', tenant_id: id, text: expect.stringContaining('the disk is on fire') },
    ])
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect(await statusOf(id)).toEqual({ status: 'active', is_unannounced: true })
    await patient.expectUsable(id)
  })

  it('provisioning-stuck: was cut off is finished', async () => {
    const id = await interrupted()
    await inCore(
      `UPDATE tenants SET claim_token = gen_random_uuid(), claimed_until = now() - interval '1 minute',
         provisioning_attempts = 0 WHERE id = '${id}'`,
    )
    expect((await patient.doctor()).findings).toMatchObject([{ code: 'provisioning-stuck', tenant_id: id }])
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    await patient.expectUsable(id)
  })

  it('provisioning-failed: was given up is tried once more', async () => {
    const id = await interrupted()
    await inCore(`UPDATE tenants SET status = 'failed', provisioning_attempts = 5 WHERE id = '${id}'`)
    const { code, findings } = await patient.doctor()
    expect({ code, findings }).toMatchObject({
      code: 3,
      findings: [{ code: 'provisioning-failed', tenant_id: id }],
    })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    await patient.expectUsable(id)
  })

  it('goes on in another process is left alone', async () => {
    const held = holdBirths(patient.test.platform)
    const birth = patient.organization()
    await held.reached
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [], mended: [] })
    held.release()
    const { id } = await birth
    healBirths(patient.test.platform)
    await patient.expectUsable(id)
  })
})

describe('a template', () => {
  const prefix = async () =>
    `tenantry_template_${(await patient.test.platform.tenancy.installationId()).slice(0, 8)}_`
  const make = async (rest: string, mark?: string) => {
    const name = `${await prefix()}${rest}`
    const own = mark ?? templateMark(await patient.test.platform.tenancy.installationId())
    await patient.platformRole(`CREATE DATABASE "${name}" TEMPLATE template0 ALLOW_CONNECTIONS false`)
    await patient.platformRole(`COMMENT ON DATABASE "${name}" IS '${own}'`)
    return name
  }
  const exists = async (name: string) =>
    (await patient.admin(`SELECT FROM pg_database WHERE datname = '${name}'`)).length === 1

  it('template-half-built: whose builder died is dropped', async () => {
    const name = await make('0123456789ab_01234567')
    expect(await patient.doctor()).toMatchObject({
      code: 3,
      findings: [{ code: 'template-half-built', subject: name }],
    })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect(await exists(name)).toBe(false)
  })

  it('template-half-built: that is being built stays', async () => {
    const name = await make('0123456789ab_01234567')
    await on(patient.postgres.url, async (builder) => {
      expect(await beginBuilding(builder, name)).toBe(true)
      expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [], mended: [] })
    })
    expect(await exists(name)).toBe(true)
    await patient.platformRole(`DROP DATABASE "${name}"`)
  })

  it('template-superseded: of another version is worth a line, and is dropped', async () => {
    const name = await make('0123456789ab')
    expect(await patient.doctor()).toMatchObject({
      code: 0,
      findings: [{ code: 'template-superseded', severity: 'info', subject: name }],
    })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect(await exists(name)).toBe(false)
    await patient.expectUsable((await patient.organization()).id)
  })

  it('database-half-dropped: of which nothing but the name is left is dropped', async () => {
    const name = await make('0123456789ab')
    await patient.admin(`UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${name}'`)
    expect(await patient.doctor()).toMatchObject({
      findings: [{ code: 'database-half-dropped', is_mendable: true }],
    })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect(await exists(name)).toBe(false)
  })

  it('public-connect: that everybody may enter is closed', async () => {
    const [row] = await patient.admin(
      `SELECT datname FROM pg_database WHERE starts_with(datname, '${await prefix()}')`,
    )
    const name = String(row?.['datname'])
    await patient.admin(
      `GRANT CONNECT ON DATABASE "${name}" TO PUBLIC; ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`,
    )
    expect(await patient.doctor()).toMatchObject({ findings: [{ code: 'public-connect', subject: name }] })
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    await patient.admin(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`)
  })

  it('that nothing proves ours is left alone, with what an administrator may run', async () => {
    const names = [await make('0123456789ab_01234567', 'mine'), await make('0123456789ab', 'mine')]
    const before = await catalogue(patient, names)
    const { findings } = await patient.doctor('--fix')
    expect(findings.map(({ is_mendable }) => is_mendable)).toEqual([false, false])
    expect(await catalogue(patient, names)).toEqual(before)
    for (const { statement } of findings) await patient.platformRole(statement ?? '')
  })
})
