import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Patient, startPatient, vault } from '../support/patient.ts'

let patient: Patient
let tenant: { readonly id: string; readonly name: string }
beforeAll(async () => {
  patient = await startPatient()
  tenant = await patient.organization()
  await patient.organization()
})
afterAll(() => patient.close())

interface Damage {
  readonly code: string
  readonly what: string
  readonly severity?: 'warning' | 'info'
  /** Statements of the superuser, in the database `postgres` where `in` names no other. */
  readonly harm: (name: string, id: string) => string
  readonly in?: 'tenant' | 'core'
  /** A membership can be revoked in the name of its grantor alone. */
  readonly by?: 'platform'
}

const group = `(SELECT rolname FROM pg_roles WHERE rolname LIKE 'tenantry_tenants_%')`

const DAMAGES: readonly Damage[] = [
  {
    code: 'role-missing',
    what: 'its role was dropped',
    harm: (name) => `DROP OWNED BY "${name}"; DROP ROLE "${name}"`,
  },
  { code: 'role-wrong', what: 'its role may not log in', harm: (name) => `ALTER ROLE "${name}" NOLOGIN` },
  {
    code: 'role-wrong',
    what: 'its role has expired',
    harm: (name) => `ALTER ROLE "${name}" VALID UNTIL '2020-01-01'`,
  },
  { code: 'role-wrong', what: 'its role does not inherit', harm: (name) => `ALTER ROLE "${name}" NOINHERIT` },
  {
    code: 'role-wrong',
    what: 'its role left the group',
    by: 'platform',
    harm: (name) => `DO $$ BEGIN EXECUTE format('REVOKE %I FROM %I CASCADE', ${group}, '${name}'); END $$`,
  },
  {
    code: 'role-wrong',
    what: 'its role is throttled',
    severity: 'warning',
    harm: (name) => `ALTER ROLE "${name}" CONNECTION LIMIT 1`,
  },
  {
    code: 'role-wrong',
    what: 'its role may take all places',
    severity: 'info',
    harm: (name) => `ALTER ROLE "${name}" CONNECTION LIMIT -1`,
  },
  {
    code: 'role-wrong',
    what: 'its role lost its settings',
    severity: 'warning',
    harm: (name) => `ALTER ROLE "${name}" RESET ALL`,
  },
  {
    code: 'password-wrong',
    what: 'its password was changed',
    harm: (name) => `ALTER ROLE "${name}" PASSWORD 'another'`,
  },
  {
    code: 'password-wrong',
    what: 'its password was taken away',
    harm: (name) => `ALTER ROLE "${name}" PASSWORD NULL`,
  },
  {
    code: 'credentials-missing',
    what: 'no password is recorded',
    in: 'core',
    harm: (_, id) => `UPDATE tenants SET sealed_password = NULL WHERE id = '${id}'`,
  },
  {
    code: 'connect-missing',
    what: 'its role lost its way in',
    harm: (name) => `REVOKE CONNECT ON DATABASE "${name}" FROM "${name}"`,
  },
  {
    code: 'public-connect',
    what: 'everybody may enter',
    harm: (name) => `GRANT CONNECT ON DATABASE "${name}" TO PUBLIC`,
  },
  {
    code: 'database-closed',
    what: 'its database is closed',
    harm: (name) => `ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`,
  },
  {
    code: 'database-limit',
    what: 'its database takes nobody',
    severity: 'warning',
    harm: (name) => `ALTER DATABASE "${name}" CONNECTION LIMIT 0`,
  },
  {
    code: 'database-limit',
    what: 'its database takes everybody',
    severity: 'info',
    harm: (name) => `ALTER DATABASE "${name}" CONNECTION LIMIT -1`,
  },
  {
    code: 'mark-missing',
    what: 'its comment is gone',
    severity: 'warning',
    harm: (name) => `COMMENT ON DATABASE "${name}" IS NULL`,
  },
  {
    code: 'marker-missing',
    what: 'its marker is gone',
    in: 'tenant',
    harm: () => 'DELETE FROM tenant_identity',
  },
  {
    code: 'marker-missing',
    what: 'its marker is a template’s',
    in: 'tenant',
    harm: () => 'UPDATE tenant_identity SET organization_id = NULL',
  },
  {
    code: 'rights-wrong',
    what: 'its role may not read',
    in: 'tenant',
    harm: () => `DO $$ BEGIN EXECUTE format('REVOKE SELECT ON users FROM %I', ${group}); END $$`,
  },
  {
    code: 'rights-wrong',
    what: 'its role may write the marker',
    in: 'tenant',
    harm: () => `DO $$ BEGIN EXECUTE format('GRANT UPDATE ON tenant_identity TO %I', ${group}); END $$`,
  },
  {
    code: 'rights-wrong',
    what: 'O15 its role may change the audit log',
    in: 'tenant',
    harm: () => `DO $$ BEGIN EXECUTE format('GRANT DELETE ON audit_log TO %I', ${group}); END $$`,
  },
  {
    code: 'rights-wrong',
    what: 'its role may not add to the audit log',
    in: 'tenant',
    harm: () => `DO $$ BEGIN EXECUTE format('REVOKE INSERT ON audit_log FROM %I', ${group}); END $$`,
  },
  {
    code: 'rights-wrong',
    what: 'PUBLIC may use its schema',
    in: 'tenant',
    harm: () => 'GRANT CREATE ON SCHEMA public TO PUBLIC',
  },
  {
    code: 'schema-differs',
    what: 'another schema is recorded',
    in: 'core',
    harm: (_, id) => `UPDATE tenants SET migrations_applied = 7 WHERE id = '${id}'`,
  },
]

it.each(DAMAGES)('mends $code: $what', async ({ code, severity = 'error', harm, ...damage }) => {
  const place = damage.in === 'tenant' ? tenant.name : damage.in === 'core' ? coreDatabase() : 'postgres'
  const run = damage.by === 'platform' ? patient.platformRole : patient.admin
  await run(harm(tenant.name, tenant.id), damage.by === 'platform' ? undefined : place)
  const fixed = await patient.doctor('--fix')
  expect(fixed).toMatchObject({ code: 0, findings: [] })
  const found = { code, severity, subject: tenant.name, tenant_id: tenant.id, is_mendable: true }
  expect(fixed.mended).toContainEqual(expect.objectContaining(found))
  await patient.expectUsable(tenant.id)
})

const coreDatabase = () => new URL(patient.postgres.url).pathname.slice(1)

it('mends nothing without --fix, and does not call information wrong', async () => {
  await patient.admin(`ALTER ROLE "${tenant.name}" CONNECTION LIMIT -1`)
  for (const _ of ['once', 'again'])
    expect(await patient.doctor()).toMatchObject({
      code: 0,
      findings: [{ code: 'role-wrong', severity: 'info' }],
    })
  await patient.admin(`ALTER ROLE "${tenant.name}" CONNECTION LIMIT 1`)
  for (const _ of ['once', 'again'])
    expect(await patient.doctor()).toMatchObject({
      code: 3,
      findings: [{ code: 'role-wrong', severity: 'warning' }],
    })
  await patient.doctor('--fix')
})

it('finishes a rotation that was interrupted, before and after the server got the new password', async () => {
  for (const hasServerIt of [false, true]) {
    const { platform } = patient.test
    const sealed = vault.seal(tenant.id, `interrupted-${hasServerIt}`)
    await patient.admin(
      `UPDATE tenants SET sealed_previous_password = sealed_password, sealed_password = '${sealed}',
         credentials_version = credentials_version + 1 WHERE id = '${tenant.id}'`,
      coreDatabase(),
    )
    if (hasServerIt) await patient.admin(`ALTER ROLE "${tenant.name}" PASSWORD 'interrupted-true'`)
    const before = await patient.doctor()
    expect(before.findings).toMatchObject([{ code: 'rotation-unfinished', severity: 'warning' }])
    expect(await patient.doctor('--fix')).toMatchObject({ code: 0, findings: [] })
    expect((await platform.tenancy.find(tenant.id))?.sealedPreviousPassword ?? null).toBeNull()
    await patient.expectUsable(tenant.id)
  }
})
