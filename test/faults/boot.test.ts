import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listenAnywhere, type TakenPort } from '../acceptance/support/taken-port.ts'
import { Workspace } from '../acceptance/support/workspace.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const PASSWORD = 'hunter2-of-the-database'
const urlOf = (host: string) => `postgres://platform:${PASSWORD}@${host}/core`

/** That nobody listens is with the other starts that are refused, in test/acceptance. */
describe.concurrent('J23 a server whose database', { timeout: 60_000 }, () => {
  it('has a name that nobody knows ends with 1 and one clear line', async () => {
    await expectRefusal(urlOf('nobody.invalid:5432'))
  })

  it('never answers ends so too, and not after minutes', async () => {
    await using proxy = await TcpProxy.before(urlOf('127.0.0.1:1'))
    proxy.impair({ blackHole: true })
    await expectRefusal(proxy.through(urlOf('127.0.0.1:1')))
    expect(proxy.accepted).toBeGreaterThan(0)
  })

  it('is still starting ends so too', async () => {
    await using starting = await postgresThatSays('57P03', 'the database system is starting up')
    await expectRefusal(urlOf(`127.0.0.1:${starting.port}`))
  })
})

async function expectRefusal(databaseUrl: string): Promise<void> {
  await using place = await Workspace.create()
  const startedAt = performance.now()
  const { code, stdout, stderr } = await place.tenantry('serve', { DATABASE_URL: databaseUrl, PORT: '0' })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^[^\n]*DATABASE_URL[^\n]*\n$/)
  expect(stderr).not.toContain(PASSWORD)
  expect((performance.now() - startedAt) / 1000).toBeLessThan(30)
}

/** Answers every client with one error, as PostgreSQL does before it is ready. */
function postgresThatSays(code: string, message: string): Promise<TakenPort> {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const answer = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), body])
  answer.writeUInt32BE(body.length + 4, 1)
  const server = createServer((client) => {
    client.on('error', () => undefined)
    client.once('data', () => client.end(answer))
  })
  return listenAnywhere(server)
}
