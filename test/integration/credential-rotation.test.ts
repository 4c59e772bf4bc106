import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSecretBox, scramVerifier } from '../../src/platform/index.ts'
import { recordNextPassword } from '../../src/tenancy/credentials/store.ts'
import { createCredentialVault } from '../../src/tenancy/credentials/vault.ts'
import { findTenantDetails, MAIN_SERVER_ID } from '../../src/tenancy/index.ts'
import { setRolePassword } from '../../src/tenancy/roles/store.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { migrateCore, type OwnPostgres, on, startOwnPostgres } from '../support/own-postgres.ts'
import { startPlatform, TEST_SECRET, type TestPlatform } from '../support/platform.ts'

const vault = createCredentialVault(createSecretBox(TEST_SECRET))

let postgres: OwnPostgres
let test: TestPlatform
let other: TestPlatform
let owner: SignedInUser
let line: ReturnType<typeof commandLine>
const tenants: { id: string; token: string }[] = []
beforeAll(async () => {
  postgres = await startOwnPostgres({ log_statement: 'all' })
  await migrateCore(postgres.url)
  // One connection for both tenants: each request closes the other's and logs in anew.
  const options = { databaseUrl: postgres.url, env: { TENANT_CONNECTIONS: '1' } }
  test = await startPlatform(options)
  other = await startPlatform(options)
  owner = await test.api.register()
  for (let index = 0; index < 2; index++) {
    const { id } = await test.api.createOrganization(owner)
    tenants.push({ id, token: (await test.api.login(owner, id)).token })
  }
  line = commandLine(postgres.url)
})
afterAll(async () => {
  await other.close()
  await test.close()
  await postgres.close()
})

const details = async (id = tenants[0]?.id ?? '') => {
  const row = await findTenantDetails(test.platform.core, id)
  if (!row) throw new Error(`no tenant ${id}`)
  return row
}
const openedAfresh = async (platform: TestPlatform, tenant = tenants[0]) => {
  for (const { id, token } of [tenants[1], tenant].filter((one) => one !== undefined))
    expect(await platform.api.get('/users/me', { token, tenantId: id })).toMatchObject({ status: 200 })
}

describe('tenants rotate-credentials', () => {
  it('fails no request of two processes, ten times', async () => {
    let isOver = false
    const statuses: number[] = []
    const load = async (platform: TestPlatform) => {
      for (let count = 0; !isOver; count++) {
        const { id, token } = tenants[count % 2] ?? { id: '', token: '' }
        statuses.push((await platform.api.get('/users/me', { token, tenantId: id })).status)
      }
    }
    const loads = [load(test), load(other)]
    const { id } = await details()
    for (let count = 0; count < 10; count++)
      expect(await line.run(`tenants rotate-credentials ${id}`)).toMatchObject({ code: 0 })
    isOver = true
    await Promise.all(loads)
    expect(statuses.length).toBeGreaterThan(20)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await details()).toMatchObject({ credentialsVersion: 10, sealedPreviousPassword: null })
  })

  it('is followed by a process that knew nothing of it', async () => {
    await openedAfresh(other)
    const [known] = tenants
    const before = await other.platform.tenancy.find(known?.id ?? '')
    await test.platform.tenancy.rotateCredentials(known?.id ?? '')
    expect(before?.credentialsVersion).toBeLessThan((await details()).credentialsVersion)
    await openedAfresh(other)
  })

  it.each(['before', 'after'])(
    'is completed by the next one when it was interrupted %s the server got the password',
    async (when) => {
      const { id, databaseName, credentialsVersion } = await details()
      const password = vault.newPassword()
      await recordNextPassword(test.platform.core, id, credentialsVersion, vault.seal(id, password))
      if (when === 'after')
        await on(postgres.url, (server) =>
          setRolePassword(server, databaseName, scramVerifier(password, Buffer.alloc(16, 7))),
        )
      test.platform.tenancy.invalidate(id)
      await openedAfresh(test)
      expect((await line.json(`tenants show ${id}`)).data).toMatchObject({ is_rotation_unfinished: true })
      const { data } = await line.json(`tenants rotate-credentials ${id}`)
      expect(data).toEqual({ id, credentials_version: credentialsVersion + 2 })
      expect(await details()).toMatchObject({ sealedPreviousPassword: null })
      await openedAfresh(test)
      await openedAfresh(other)
    },
  )

  it('with --all takes spares too, goes on past what fails, and exits 4', async () => {
    const { tenancy, core } = test.platform
    const claim = await core.transaction((tx) => tenancy.provisioner.reserveSpare(tx, MAIN_SERVER_ID))
    await tenancy.provisioner.complete(claim)
    const broken = await details(tenants[1]?.id)
    await on(postgres.url, (server) => server.query(`ALTER ROLE "${broken.databaseName}" RENAME TO away`))
    const { code, data, stderr } = await line.json('tenants rotate-credentials --all')
    expect(code).toBe(4)
    expect(data).toMatchObject({ succeeded: 2, failed: 1 })
    expect(data.tenants.map((tenant: { id: string }) => tenant.id)).toContain(claim.tenantId)
    expect(stderr).toContain(broken.id)
    await on(postgres.url, (server) => server.query(`ALTER ROLE away RENAME TO "${broken.databaseName}"`))
    expect((await line.json('tenants rotate-credentials --all')).data).toMatchObject({ failed: 0 })
    await openedAfresh(other)
  })

  it('with another secret says so and changes nothing', async () => {
    const before = await details()
    const env = { TENANTRY_SECRET: 'another-secret-with-enough-characters-43' }
    const { code, stderr } = await line.run(`tenants rotate-credentials ${before.id}`, {
      env: { DATABASE_URL: postgres.url, ...env },
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/sealed with another secret.*TENANTRY_SECRET/)
    expect(await details()).toEqual(before)
  })

  it.each(['', ' --all ID'])('names one tenant or all of them, not:%s', async (rest) => {
    const { id } = await details()
    expect(await line.run(`tenants rotate-credentials${rest.replace('ID', id)}`)).toMatchObject({ code: 2 })
  })
})

it('E4 no password was ever sent in the clear, nor lies so in the core database', async () => {
  const files = (await readdir(postgres.location, { recursive: true })).filter((path) =>
    path.endsWith('.log'),
  )
  const logs = await Promise.all(files.map((path) => readFile(join(postgres.location, path), 'utf8')))
  const log = logs.join('\n')
  const passwords = [...log.matchAll(/PASSWORD +(E?'[^']*')/g)].map(([, text = '']) => text)
  expect(passwords.length).toBeGreaterThan(10)
  // The embedded server's own role is made by its guard, before there is a platform.
  const ofTenants = passwords.filter((text) => text.startsWith("'SCRAM-SHA-256$"))
  expect(passwords.length - ofTenants.length).toBeLessThanOrEqual(1)
  for (const { id } of tenants) {
    const { sealedPassword } = await details(id)
    const password = vault.open(id, sealedPassword ?? '')
    expect(log).not.toContain(password)
    expect(sealedPassword).not.toContain(password)
    expect(Buffer.from(sealedPassword?.split('.')[1] ?? '', 'base64').includes(password)).toBe(false)
  }
})
