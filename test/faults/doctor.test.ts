import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { databaseOf, newId } from '../../src/platform/index.ts'
import { databaseMark } from '../../src/tenancy/databases/store.ts'
import { insertServer } from '../../src/tenancy/servers/store.ts'
import { type OwnPostgres, on, startOwnPostgres } from '../support/own-postgres.ts'
import { type Patient, startPatient, vault } from '../support/patient.ts'
import { inCore } from '../support/rows.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let patient: Patient
let second: OwnPostgres
let proxy: TcpProxy
const tenants: { readonly id: string; readonly name: string }[] = []
beforeAll(async () => {
  second = await startOwnPostgres()
  proxy = await TcpProxy.before(second.url)
  patient = await startPatient()
  const id = newId()
  const sealedUrl = vault.sealUrl(id, proxy.through(second.url))
  await insertServer(patient.test.platform.core, {
    id,
    name: 'second',
    sealedUrl,
    region: null,
    capacity: null,
  })
  await patient.line.run('servers drain main')
  for (let count = 0; count < 6; count++) tenants.push(await patient.organization())
})
afterEach(() => proxy.heal())
afterAll(async () => {
  await patient.close()
  await proxy[Symbol.asyncDispose]()
  await second.close()
})

it('check-failed: a database that cannot be reached keeps nobody from looking at the others of its server', async () => {
  const [away, wrong] = tenants
  proxy.impair({ refused: true }, away?.name)
  await on(second.adminUrl, (server) => server.query(`ALTER ROLE "${wrong?.name}" PASSWORD 'another'`))
  const { findings, mended } = await patient.doctor('--fix')
  expect({ findings, mended }).toMatchObject({
    findings: [{ code: 'check-failed', server: 'second', subject: away?.name }],
    mended: [{ code: 'password-wrong', server: 'second', subject: wrong?.name }],
  })
  proxy.heal()
})

/** Ends every connection to tenants' databases, those that a pool keeps too. */
async function disconnect(): Promise<void> {
  for (const { name } of tenants) proxy.reset(name)
  await vi.waitFor(() => expect(openToTenants()).toBe(0), { interval: 5, timeout: 10_000 })
}
const openToTenants = () => tenants.reduce((sum, { name }) => sum + proxy.open(name), 0)

it('server-unreachable: a server that goes away while it is looked at is one finding', async () => {
  await disconnect()
  for (const { name } of tenants) proxy.impair({ delayMs: 100 }, name)
  const examination = patient.doctor()
  await vi.waitFor(() => expect(openToTenants()).toBeGreaterThan(0), { interval: 5, timeout: 10_000 })
  proxy.impair({ refused: true })
  for (const { name } of tenants) proxy.impair({ refused: true }, name)
  const { code, findings } = await examination
  expect({ code, findings }).toMatchObject({
    code: 3,
    findings: [{ code: 'server-unreachable', text: expect.stringContaining('could not be looked at') }],
  })
  proxy.heal()
  expect(await patient.doctor()).toMatchObject({ code: 0, findings: [] })
})

it('enters the databases of a server a few at a time', async () => {
  for (let count = 0; count < 8; count++) tenants.push(await patient.organization())
  await disconnect()
  for (const { name } of tenants) proxy.impair({ delayMs: 30 }, name)
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, openToTenants())
  }, 2)
  await patient.doctor()
  clearInterval(watch)
  proxy.heal()
  expect(most).toBeGreaterThan(1)
  // One that ends may still be open where the next one begins.
  expect(most).toBeLessThanOrEqual(8)
})

it('finds nothing wrong with what is made after it has read the list of tenants', async () => {
  const id = newId()
  const name = `tenant_${id}`
  const { platform } = patient.test
  const mark = databaseMark(await platform.tenancy.installationId(), id)
  const entry = databaseOf(second.url)
  const before = proxy.accepted
  proxy.impair({ delayMs: 60 }, entry)
  const examination = patient.doctor()
  // The first connection asks what the server is, then the list is read, and the second connection reads the catalogue.
  await vi.waitFor(() => expect(proxy.accepted).toBeGreaterThan(before + 1), { interval: 5, timeout: 10_000 })
  await inCore(
    platform,
    sql`INSERT INTO tenants (id, server_id, database_name, status, claim_token, claimed_until)
      SELECT ${id}, id, ${name}, 'provisioning', gen_random_uuid(), now() + interval '1 minute'
      FROM servers WHERE name = 'second'`,
  )
  await on(second.url, async (server) => {
    await server.query(`CREATE DATABASE "${name}" TEMPLATE template0`)
    await server.query(`COMMENT ON DATABASE "${name}" IS '${mark}'`)
  })
  expect(await examination).toMatchObject({ code: 0, findings: [] })
  proxy.heal()
  await inCore(platform, sql`DELETE FROM tenants WHERE id = ${id}`)
  expect(await patient.doctor()).toMatchObject({
    findings: [{ code: 'database-without-tenant', subject: name }],
  })
})
