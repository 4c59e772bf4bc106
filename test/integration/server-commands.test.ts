import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withCredentials, withDatabase } from '../../src/platform/index.ts'
import { listServers } from '../../src/tenancy/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { commandLine } from '../support/command-line.ts'
import { type OwnPostgres, on, startOwnPostgres } from '../support/own-postgres.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

const PASSWORD = 'second-server-password'

let second: OwnPostgres
let test: TestPlatform
let owner: SignedInUser
let line: ReturnType<typeof commandLine>
beforeAll(async () => {
  second = await startOwnPostgres()
  test = await startPlatform()
  owner = await test.api.register()
  line = commandLine(test.databaseUrl)
})
afterAll(async () => {
  await test.close()
  await second.close()
})

const add = (name: string, url: string, ...more: string[]) =>
  line.run(['servers', 'add', name, '--url', '-', ...more], { readInput: async () => `${url}\n` })
const asAdmin = (statement: string) => on(second.adminUrl, (server) => server.query(statement))
const server = async (name: string) =>
  (await line.json('servers list')).data.find((one: { name: string }) => one.name === name)

describe('servers add', () => {
  it.each(['127.0.0.1', 'localhost'])(
    'refuses the core’s own server, also under another name: %s',
    async (host) => {
      const url = test.databaseUrl.replace(/@[^:/]+/, `@${host}`)
      const { code, stderr } = await add('again', url)
      expect(code).toBe(1)
      expect(stderr).toMatch(/is the server main[.]\n$/)
    },
  )

  it('refuses a role that may not make databases or roles, and says what it needs', async () => {
    await asAdmin(`CREATE ROLE poor LOGIN PASSWORD '${PASSWORD}'; GRANT CONNECT ON DATABASE postgres TO poor`)
    const { code, stderr } = await add('poor', withCredentials(second.adminUrl, 'poor', PASSWORD))
    expect(code).toBe(1)
    expect(stderr).toContain('ALTER ROLE "poor" CREATEDB;')
    expect(stderr).toContain('ALTER ROLE "poor" CREATEROLE;')
    await asAdmin('DROP OWNED BY poor; DROP ROLE poor')
  })

  it('refuses a server that does not answer, or does not let it in, without a word of its password', async () => {
    for (const url of [
      `postgres://tenantry:${PASSWORD}@127.0.0.1:1/tenantry`,
      withCredentials(second.url, 'tenantry', PASSWORD),
    ]) {
      const { code, stdout, stderr } = await add('away', url)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^127[.]0[.]0[.]1:\d+ cannot be used: /)
      expect(stderr).not.toContain(PASSWORD)
    }
  })

  it.each([
    [['Upper', '--url', 'postgres://a@b/c']],
    [['x;y', '--url', 'postgres://a@b/c']],
    [['ok', '--url', 'http://a/b']],
    [['ok']],
    [['ok', '--url', '-']],
    [['ok', '--url', 'postgres://a@b/c', '--capacity', '0']],
    [['ok', '--url', 'postgres://a@b/c', '--region', 'E U']],
  ])('E8 refuses %j: exit 2', async (words) => {
    expect(await line.run(['servers', 'add', ...words])).toMatchObject({ code: 2, stdout: '' })
  })

  it('adds a server, sealed, and says what its administrator should do', async () => {
    await asAdmin('GRANT CONNECT ON DATABASE template1 TO PUBLIC')
    const env = { NEW_SERVER_URL: second.url, DATABASE_URL: test.databaseUrl }
    const { code, data } = await line.json('servers add second --region eu --capacity 5', { env })
    expect(code).toBe(0)
    expect(data).toMatchObject({
      name: 'second',
      address: new URL(second.url).host,
      administrator_should: ['REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;'],
    })
    await asAdmin('REVOKE CONNECT ON DATABASE template1 FROM PUBLIC')
    const { sealedUrl } = (await listServers(test.platform.core))[1] ?? {}
    expect(sealedUrl).toMatch(/^[0-9a-f]{8}[.]/)
    expect(JSON.stringify(data)).not.toContain(new URL(second.url).password)
  })

  it('refuses it a second time, and its name for another', async () => {
    expect((await add('twice', withDatabase(second.url, 'postgres'))).stderr).toMatch(
      /cannot be used|is the server/,
    )
    expect((await add('twice', second.url.replace('127.0.0.1', 'localhost'))).stderr).toContain(
      'the server second',
    )
  })
})

describe('servers list and drain', () => {
  it('places organizations on the emptier server, counts them, and stops when it is told', async () => {
    expect(await server('second')).toMatchObject({
      region: 'eu',
      capacity: 5,
      is_draining: false,
      is_reachable: true,
    })
    await line.run('servers drain main')
    const one = await test.api.createOrganization(owner)
    expect((await line.json(`tenants show ${one.id}`)).data).toMatchObject({ server: 'second', region: 'eu' })
    expect(await server('second')).toMatchObject({ tenants: 1, spares: 0 })
    await expect(test.api.login(owner, one.id)).resolves.toMatchObject({ email: owner.email })
    await line.run('servers drain main --undo')
    await line.run('servers drain second')
    expect(await server('second')).toMatchObject({ is_draining: true })
    const two = await test.api.createOrganization(owner)
    expect((await line.json(`tenants show ${two.id}`)).data).toMatchObject({ server: 'main' })
    expect((await line.run('servers list')).stdout).not.toContain(new URL(second.url).password)
    expect(await line.run('servers drain nobody')).toMatchObject({ code: 2 })
  })
})
