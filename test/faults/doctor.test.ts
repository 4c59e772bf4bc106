import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { insertServer } from '../../src/tenancy/servers/store.ts'
import { type OwnPostgres, on, startOwnPostgres } from '../support/own-postgres.ts'
import { type Patient, startPatient, vault } from '../support/patient.ts'
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
afterAll(async () => {
  proxy.heal()
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

it('server-unreachable: a server that goes away while it is looked at is one finding', async () => {
  for (const { name } of tenants) proxy.impair({ delayMs: 100 }, name)
  const examination = patient.doctor()
  await vi.waitFor(() => expect(tenants.some(({ name }) => proxy.open(name) > 0)).toBe(true), {
    interval: 5,
    timeout: 10_000,
  })
  proxy.impair({ refused: true })
  for (const { name } of tenants) proxy.impair({ refused: true }, name)
  const { code, findings } = await examination
  expect({ code, findings }).toMatchObject({
    code: 3,
    findings: [{ code: 'server-unreachable', server: 'second' }],
  })
  proxy.heal()
  expect(await patient.doctor()).toMatchObject({ code: 0, findings: [] })
})

it('enters the databases of a server a few at a time', async () => {
  for (const { name } of tenants) proxy.impair({ delayMs: 20 }, name)
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(
      most,
      tenants.reduce((sum, { name }) => sum + proxy.open(name), 0),
    )
  }, 2)
  await patient.doctor()
  clearInterval(watch)
  proxy.heal()
  expect(most).toBeGreaterThan(1)
  // One that ends may still be open where the next one begins.
  expect(most).toBeLessThanOrEqual(8)
})
