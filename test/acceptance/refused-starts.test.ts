import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { processesNaming } from './support/running-postgres.ts'
import { freePort } from './support/taken-port.ts'
import { Workspace } from './support/workspace.ts'

const SECRET = 'Zq7-weak'
const STRONG_SECRET = 'acceptance-secret-with-enough-different-characters-42'
const DATABASE_PASSWORD = 'hunter2-of-the-database'

it('N7 lists all that is wrong with the environment, without the secrets in it', async () => {
  await using place = await Workspace.create()
  const env = {
    PORT: 'eighty',
    LOG_LEVEL: 'loud',
    ACCESS_TOKEN_TTL: '10 minutes',
    DATABASE_URL: `mysql://root:${DATABASE_PASSWORD}@127.0.0.1/core`,
    TENANTRY_SECRET: SECRET,
  }
  const { code, stdout, stderr } = await place.tenantry('serve', env)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const problems = stderr.split('\n').filter((line) => line.startsWith('- '))
  expect(problems.map((line) => line.split(' ')[1]).sort()).toEqual(Object.keys(env).sort())
  expect(stderr).not.toContain(SECRET)
  expect(stderr).not.toContain(DATABASE_PASSWORD)
  expect(stderr).not.toMatch(/\n\s+at /)
})

it.each([
  ['no secret', {}],
  ['a weak secret', { TENANTRY_SECRET: 'a'.repeat(40) }],
])('N7 does not go into production with %s', async (_, env) => {
  await using place = await Workspace.create()
  const { code, stdout, stderr } = await place.tenantry('serve', { NODE_ENV: 'production', ...env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^[^\n]*1 problem[^\n]*\n- TENANTRY_SECRET [^\n]*\n$/)
  expect(stderr).not.toContain('a'.repeat(40))
  expect(processesNaming(place.path)).toEqual([])
})

it('N7 says in one line that the database cannot be reached', async () => {
  await using place = await Workspace.create()
  const databaseUrl = `postgres://platform:${DATABASE_PASSWORD}@127.0.0.1:${await freePort()}/core`
  const { code, stdout, stderr } = await place.tenantry('serve', { DATABASE_URL: databaseUrl })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^[^\n]*DATABASE_URL[^\n]*\n$/)
  expect(stderr).not.toContain(DATABASE_PASSWORD)
})

it('N7 leaves the data of another PostgreSQL version alone', async () => {
  await using place = await Workspace.create()
  await mkdir(join(place.dataDir, 'postgres-12'), { recursive: true })
  const { code, stdout, stderr } = await place.tenantry('serve', { PORT: '0' })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^[^\n]*postgres-12 was made by another major version[^\n]*\n$/)
})

it('N7 does not open data with another secret than it was made with', { timeout: 60_000 }, async () => {
  await using place = await Workspace.create()
  const server = await place.serve({ TENANTRY_SECRET: STRONG_SECRET })
  expect(await server.stop()).toBe(0)
  const other = `other-${STRONG_SECRET}`
  const { code, stdout, stderr } = await place.tenantry('serve', {
    PORT: '0',
    LOG_LEVEL: 'warn',
    TENANTRY_SECRET: other,
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^[^\n]*TENANTRY_SECRET[^\n]*\n$/)
  expect(stderr).not.toContain(other)
  expect(processesNaming(place.path)).toEqual([])
})
