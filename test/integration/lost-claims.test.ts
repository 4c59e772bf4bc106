import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSecretBox, newId } from '../../src/platform/index.ts'
import { createCredentialVault } from '../../src/tenancy/credentials/vault.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { startPlatform, TEST_SECRET, type TestPlatform, templateDatabases } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { asSuperuser, hasSuperuser } from '../support/superuser.ts'

/** Two processes on one core database. */
let one: TestPlatform
let other: TestPlatform
let owner: SignedInUser
beforeAll(async () => {
  one = await startPlatform({ ownTemplate: true, env: { SPARE_DATABASES: '1' } })
  other = await startPlatform({ databaseUrl: one.databaseUrl, env: { SPARE_DATABASES: '1' } })
  owner = await one.api.register()
  await one.platform.tenancy.prepare()
})
afterAll(async () => {
  await other.close()
  await one.close()
})

/** What SIGSTOP for half a minute does: another process finished the work, and an operator changed the password since. */
it('N9 a provisioner whose claim is lost touches the role of the active tenant no more', async () => {
  const { tenancy, core } = one.platform
  const id = newId()
  const slug = unique('stopped')
  const claim = await core.transaction(async (tx) => {
    const reserved = await tenancy.provisioner.reserve(tx, id)
    await tx.orm.execute(
      sql`INSERT INTO organizations (id, name, slug, owner_id) VALUES (${id}, 'Stopped', ${slug}, ${owner.id})`,
    )
    return reserved
  })
  await inCore(
    one.platform,
    sql`UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE id = ${id}`,
  )
  expect(await other.platform.tenancy.provisioner.resume(id, 'reconciler')).toBe(true)
  await other.platform.tenancy.rotateCredentials(id)
  // SIGCONT
  expect(await tenancy.provisioner.complete(claim)).toBe(false)
  const third = await startPlatform({ databaseUrl: one.databaseUrl })
  try {
    const { token } = await third.api.login(owner, id)
    expect(await third.api.get('/users/me', { token, tenantId: id })).toMatchObject({ status: 200 })
  } finally {
    await third.close()
  }
})

it.runIf(hasSuperuser())('K19 a half-dropped template is made again, and fails no organization', async () => {
  const fresh = await startPlatform({ databaseUrl: one.databaseUrl })
  try {
    const [template] = await templateDatabases(one.platform)
    await asSuperuser((server) =>
      server.query('UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1', [template]),
    )
    const reply = await fresh.api.post('/organizations', { name: unique('Broken') }, { token: owner.token })
    const rows = await inCore(
      one.platform,
      sql`SELECT status, provisioning_attempts, last_error FROM tenants WHERE status <> 'active'`,
    )
    expect({ status: reply.status, rows }).toEqual({ status: 201, rows: [] })
  } finally {
    await asSuperuser((server) =>
      server.query(
        "UPDATE pg_database SET datconnlimit = -1 WHERE datconnlimit = -2 AND datname LIKE 'tenantry_template_%'",
      ),
    )
    await fresh.close()
  }
})

/** A core database that came back from a backup, or from an asynchronous replica, has forgotten who got which spare. */
it('a spare in which somebody is already is given to nobody else', async () => {
  while (await one.platform.tenancy.spares.refill());
  const first = await one.api.createOrganization(owner)
  await inCore(one.platform, sql`DELETE FROM organizations WHERE id = ${first.id}`)
  await inCore(
    one.platform,
    sql`UPDATE tenants SET status = 'spare', provisioning_step = 'spare', is_created_event_due = false WHERE id = ${first.id}`,
  )
  const stranger = await one.api.register()
  await one.api.post('/organizations', { name: unique('Second') }, { token: stranger.token })
  const users = await inTenant(one.platform, first.id, sql`SELECT email FROM users`)
  expect(users).toEqual([{ email: owner.email }])
  const [row] = await inCore(one.platform, sql`SELECT status FROM tenants WHERE id = ${first.id}`)
  expect(row?.['status']).not.toBe('active')
})

it('K1 many unfinished on a server that is down keep no other server’s from being finished', async () => {
  const { tenancy, core } = one.platform
  const server = newId()
  const sealed = createCredentialVault(createSecretBox(TEST_SECRET)).sealUrl(
    server,
    'postgres://a:b@127.0.0.1:1/x',
  )
  const id = newId()
  await core.transaction(async (tx) => {
    await tenancy.provisioner.reserve(tx, id)
    await tx.orm.execute(
      sql`INSERT INTO organizations (id, name, slug, owner_id) VALUES (${id}, 'Starved', ${unique('starved')}, ${owner.id})`,
    )
  })
  await inCore(
    one.platform,
    sql`INSERT INTO servers (id, name, sealed_url, is_draining) VALUES (${server}, 'dead', ${sealed}, true)`,
  )
  await inCore(
    one.platform,
    sql`INSERT INTO tenants (id, server_id, database_name, status, sealed_password, claimed_until)
    SELECT i, ${server}::uuid, 'tenant_' || i, 'provisioning', 'x', now() - interval '1 minute' FROM (SELECT gen_random_uuid() AS i FROM generate_series(1, 60)) AS ids`,
  )
  await inCore(
    one.platform,
    sql`UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE id = ${id}`,
  )
  let isActive = false
  let looks = 0
  // One look every 2 s: five are the ten seconds of K1.
  for (; looks < 5 && !isActive; looks++) {
    await tenancy.reconcile()
    isActive = (await tenancy.find(id))?.status === 'active'
  }
  await inCore(one.platform, sql`DELETE FROM tenants WHERE server_id = ${server}`)
  expect({ isActive, looks }).toEqual({ isActive: true, looks: expect.any(Number) })
})
