import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../test/support/platform.ts'

const REDOCLY = join(
  dirname(createRequire(import.meta.url).resolve('@redocly/cli/package.json')),
  'bin/cli.js',
)

/** Every route that nobody needs a token for. A new one must be added here by somebody who means it. */
const PUBLIC = [
  'POST /api/v1/auth/register',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/auth/mfa/verify',
  'POST /api/v1/auth/sso/start',
  'GET /api/v1/auth/sso/callback/{tenant_id}',
  'POST /api/v1/auth/sso/token',
  'POST /api/v1/auth/mfa/verify/options',
  'POST /api/v1/auth/passkeys/options',
  'POST /api/v1/auth/passkeys/login',
  'POST /api/v1/invitations/accept',
  'POST /api/v1/auth/password/forgot',
  'POST /api/v1/auth/password/reset',
  'POST /api/v1/auth/email/verify',
  'POST /api/v1/auth/email/change/confirm',
  'GET /.well-known/jwks.json',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /problems',
  'GET /problems/{code}',
  'GET /scim/v2/{tenant_id}/ServiceProviderConfig',
  'GET /scim/v2/{tenant_id}/ResourceTypes',
  'GET /scim/v2/{tenant_id}/ResourceTypes/{id}',
  'GET /scim/v2/{tenant_id}/Schemas',
  'GET /scim/v2/{tenant_id}/Schemas/{id}',
]

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly security?: readonly object[]
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, unknown>> }>>
}

let test: TestPlatform
let document: { openapi: string; paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }
let operations: readonly (readonly [name: string, operation: Operation])[]

beforeAll(async () => {
  test = await startPlatform()
  document = (await test.app.inject('/openapi.json')).json()
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  )
})
afterAll(() => test.close())

it('describes itself as OpenAPI 3.1 that a linter accepts', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-openapi-'))
  const file = join(directory, 'openapi.json')
  await writeFile(file, JSON.stringify(document))
  const offline = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stderr } = await promisify(execFile)(process.execPath, [REDOCLY, 'lint', file], { env: offline })
  await rm(directory, { recursive: true })
  expect(document.openapi).toBe('3.1.0')
  expect(stderr).toContain('Your API description is valid')
})

it('has the routes of the contract', () => {
  expect(operations.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'POST /api/v1/auth/register',
      'POST /api/v1/auth/login',
      'POST /api/v1/auth/refresh',
      'POST /api/v1/organizations',
      'GET /api/v1/organizations/me',
      'GET /api/v1/organizations/{id}',
      'GET /api/v1/users/me',
      'PUT /api/v1/users/me',
    ]),
  )
})

it('O17 demands a token everywhere but on the routes that are public on purpose', () => {
  const open = operations.filter(([, { security = [] }]) => security.length === 0).map(([name]) => name)
  expect([...open].sort()).toEqual([...PUBLIC].sort())
})

it('names and sums up every operation', () => {
  const ids = operations.map(([, { operationId }]) => operationId)
  expect(new Set(ids).size).toBe(operations.length)
  for (const [name, { operationId, summary }] of operations) {
    expect(operationId, name).toMatch(/^[a-z][A-Za-z]+$/)
    expect(summary, name).toBeTruthy()
  }
})

it('G3 documents every failure as a problem, and those of SCIM as SCIM does', () => {
  for (const [name, { responses }] of operations) {
    const form = / \/scim\/v2\//.test(name) ? 'application/scim+json' : 'application/problem+json'
    for (const [status, { content }] of Object.entries(responses)) {
      if (Number(status) >= 400) expect(Object.keys(content ?? {}), `${name} ${status}`).toEqual([form])
    }
  }
})
