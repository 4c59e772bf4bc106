import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKey } from '../../src/auth/keys/key-pair.ts'
import { MIGRATIONS } from '../../src/compose.ts'
import { migrateDown, migrateUp, readMigrations } from '../../src/migrations/index.ts'
import { createSecretBox, MAINTENANCE_TIMEOUTS, withConnection } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { createTestDatabase } from '../support/databases.ts'
import { kidOf, publishedKids } from '../support/keys.ts'
import { startPlatform, TEST_SECRET, type TestPlatform } from '../support/platform.ts'

const PATIENCE = { timeout: 15_000, interval: 20 }
const OTHER_SECRET = { TENANTRY_SECRET: 'another-secret-with-enough-different-characters' }

let test: TestPlatform
let owner: SignedInUser
let line: ReturnType<typeof commandLine>
beforeAll(async () => {
  test = await startPlatform()
  owner = await test.api.register()
  line = commandLine(test.databaseUrl)
})
afterAll(() => test.close())

interface ListedKey {
  readonly kid: string
  readonly audience: string
  readonly state: string
}

async function keysOf(audience: string): Promise<ListedKey[]> {
  const { data } = await line.json('keys list')
  return data.filter((key: ListedKey) => key.audience === audience)
}

const tokens = async () => kidOf((await test.api.login(owner)).token)

describe('tenantry keys', () => {
  it('rotate publishes the next keys of both kinds; again it changes nothing', async () => {
    const { code, data } = await line.json('keys rotate')
    expect(code).toBe(0)
    expect(data).toMatchObject([
      { audience: 'core', changed: true },
      { audience: 'tenant', changed: true },
    ])
    const inHours = (Date.parse(data[0].signs_from) - Date.now()) / 3_600_000
    expect(inHours).toBeGreaterThan(23)
    expect(inHours).toBeLessThan(25)
    expect(await keysOf('core')).toMatchObject([{ state: 'signing' }, { state: 'next', kid: data[0].kid }])
    const again = await line.run('keys rotate core')
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('another rotation had seen to it'),
    })
    await expect.poll(() => publishedKids(test), PATIENCE).toContain(data[1].kid)
  })

  it('rotate --now lets the published key sign at once', async () => {
    const next = (await keysOf('core')).find(({ state }) => state === 'next')
    const { stdout } = await line.run('keys rotate core --now')
    expect(stdout).toBe(`core: ${next?.kid} signs now\n`)
    await expect.poll(tokens, PATIENCE).toBe(next?.kid)
    expect(await keysOf('core')).toMatchObject([{ state: 'verifying' }, { state: 'signing', kid: next?.kid }])
  })

  it('revoke needs consent', async () => {
    const kid = await tokens()
    expect(await line.run(`keys revoke ${kid}`)).toMatchObject({ code: 2, stdout: '' })
    const declined = await line.run(`keys revoke ${kid}`, { confirm: async () => false })
    expect(declined.code).toBe(130)
    expect(await keysOf('core')).toContainEqual(expect.objectContaining({ kid, state: 'signing' }))
  })

  it('revoke names the successor and says what people have to do', async () => {
    const user = await test.api.login(owner)
    const kid = kidOf(user.token)
    const { code, data, stderr } = await line.json(`keys revoke ${kid} --yes`)
    expect(code).toBe(0)
    expect(data).toMatchObject({ kid, audience: 'core', changed: true, successor: expect.any(String) })
    expect(stderr).toContain('refresh tokens go on working')
    const ask = async () => (await test.api.get('/organizations/me', { token: user.token })).status
    await expect.poll(ask, PATIENCE).toBe(401)
    expect(await tokens()).toBe(data.successor)
    expect(await keysOf('core')).toContainEqual(expect.objectContaining({ kid, state: 'revoked' }))
    expect((await line.json(`keys revoke ${kid} --yes`)).data).toMatchObject({ changed: false })
  })

  it('revoke of a key that there is not is a usage error', async () => {
    expect(await line.run('keys revoke nobody --yes')).toMatchObject({ code: 2, stdout: '' })
  })

  it('list has a line for each key and no secret', async () => {
    const { stdout } = await line.run('keys list')
    expect(stdout).toMatch(/^KID +AUDIENCE +STATE[\s\S]* core +revoked /)
    const { data } = await line.json('keys list')
    expect(Object.keys(data[0])).not.toContain('sealed_private_key')
  })

  it('with another secret changes nothing, and a server does not start', async () => {
    const before = (await line.json('keys list')).data
    for (const args of ['keys rotate --now', `keys revoke ${before[0].kid} --yes`]) {
      const { code, stderr } = await line.run(args, { env: OTHER_SECRET })
      expect(code).toBe(1)
      expect(stderr).toMatch(/sealed with another TENANTRY_SECRET/)
    }
    expect((await line.json('keys list')).data).toEqual(before)
  })

  it('are the same after a restart', async () => {
    const kid = await tokens()
    const restarted = await startPlatform({ databaseUrl: test.databaseUrl })
    expect((await publishedKids(restarted)).sort()).toEqual((await publishedKids(test)).sort())
    expect(restarted.platform.keys.ring.signing('core').kid).toBe(kid)
    await restarted.close()
  })
})

it('keys that were there before rotation go on signing, and those that are over do not come back', async () => {
  const database = await createTestDatabase()
  const options = { url: database.url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS }
  const set = await readMigrations(MIGRATIONS.core)
  const rotation = set.files.findIndex(({ name }) => name === 'key_rotation')
  const before = set.files[rotation - 1]?.version ?? ''
  const { kid, publicJwk, sealedPrivateKey } = await generateKey('tenant', createSecretBox(TEST_SECRET))
  await withConnection(options, async (core) => {
    await migrateUp(core, set, { to: before })
    await core.query(
      `INSERT INTO signing_keys (kid, audience, public_jwk, sealed_private_key, created_at)
       VALUES ($1, 'tenant', $2, $3, now() - interval '1 year')`,
      [kid, publicJwk, sealedPrivateKey],
    )
    await migrateUp(core, set)
  })
  const upgraded = await startPlatform({ databaseUrl: database.url })
  expect(upgraded.platform.keys.ring.signing('tenant').kid).toBe(kid)
  const [rotated] = await upgraded.platform.keys.rotate(['tenant'], true)
  await upgraded.platform.keys.revoke(kid)
  await upgraded.close()
  await withConnection(options, async (core) => {
    await migrateDown(core, set, { to: before })
    const { rows } = await core.query("SELECT kid FROM signing_keys WHERE audience = 'tenant'")
    expect(rows).toEqual([{ kid: rotated?.kid }])
  })
  await database.drop()
})
