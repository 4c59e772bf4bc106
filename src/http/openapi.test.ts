import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { defineErrors } from '../platform/index.ts'
import {
  createGuard,
  Exactly,
  type HttpServer,
  httpErrors,
  Id,
  Nullable,
  RATE,
  responses,
  Timestamp,
} from './index.ts'
import { makeServer } from './test-support.ts'

const shopErrors = defineErrors({
  taken: { code: 'taken', status: 409, title: 'Taken', detail: 'Choose another name.' },
  locked: { code: 'locked', status: 401, title: 'Locked', detail: 'Show your token.' },
})

const Shop = Exactly(
  { id: Id, name: Type.String(), closed_at: Nullable(Timestamp) },
  { $id: 'Shop', title: 'Shop' },
)

/** Two routes as a feature writes them. */
async function makeShop(): Promise<HttpServer> {
  const server = await makeServer({
    docs: true,
    errors: [shopErrors],
    publicUrl: 'https://api.shop.test',
    api: {
      title: 'Shop',
      description: 'Shops.',
      tags: [{ name: 'shops', description: 'Shops.' }],
      securitySchemes: {
        core: { type: 'http', scheme: 'bearer', description: 'Log in.' },
        tenant: { type: 'http', scheme: 'bearer', description: 'Log in to a shop.' },
        tenantId: { type: 'apiKey', in: 'header', name: 'X-Tenant-Id', description: 'The shop.' },
      },
    },
  })
  const guard = createGuard([{ core: [] }, { tenant: [], tenantId: [] }], async () => undefined, [
    shopErrors.locked,
  ])
  server.post(
    '/shops',
    {
      onRequest: guard.onRequest,
      config: { rateLimit: RATE.register },
      schema: {
        operationId: 'createShop',
        summary: 'Open a shop',
        tags: ['shops'],
        body: Exactly({ name: Type.String({ minLength: 1 }), note: Type.Optional(Nullable(Type.String())) }),
        response: responses({ 201: Shop }, [shopErrors.taken]),
      },
    },
    async (request, reply) => {
      if (request.body.name === 'taken') throw shopErrors.taken()
      reply.code(201)
      return { id: '01890000-0000-7000-8000-000000000000', name: request.body.name, closed_at: null }
    },
  )
  server.get(
    '/shops/:id',
    {
      schema: {
        operationId: 'getShop',
        summary: 'Look at a shop',
        tags: ['shops'],
        params: Exactly({ id: Id }),
        querystring: Exactly({ full: Type.Optional(Type.String({ enum: ['yes', 'no'] })) }),
        response: responses({ 200: Type.Array(Shop) }, [httpErrors.notFound]),
      },
    },
    async () => [],
  )
  return server
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly object[]
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { schema: object }>> }>
  >
}

interface Description {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

async function describeShop(): Promise<Description> {
  await using server = await makeShop()
  return (await server.inject('/openapi.json')).json()
}

describe('the description of the API', () => {
  it('passes the rules of redocly, without asking any other host', async () => {
    await using server = await makeShop()
    const directory = await mkdtemp(join(tmpdir(), 'openapi-'))
    try {
      const file = join(directory, 'openapi.json')
      await writeFile(file, (await server.inject('/openapi.json')).body)
      const cli = new URL('../../node_modules/@redocly/cli/bin/cli.js', import.meta.url).pathname
      const env = {
        PATH: '',
        HOME: directory,
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
      }
      const lint = promisify(execFile)(
        process.execPath,
        [cli, 'lint', '--format=json', '--extends=recommended', file],
        {
          cwd: directory,
          env,
        },
      )
      const { stdout } = await lint.catch((failure: { stdout: string; stderr: string }) => failure)
      const { problems } = JSON.parse(stdout) as { problems: { ruleId: string; message: string }[] }
      expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('is OpenAPI 3.1 with a name and a summary for every operation', async () => {
    const { openapi, paths } = await describeShop()
    expect(openapi).toBe('3.1.0')
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
    expect(operations.every(({ summary }) => summary.length > 0)).toBe(true)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  })

  it('G1: lists what the route, its guard and the shell may answer', async () => {
    const { paths } = await describeShop()
    const always = ['400', '406', '408', '413', '414', '415', '429', '431', '500', '503']
    expect(Object.keys(paths['/shops']?.['post']?.responses ?? {})).toEqual(
      ['201', ...always, '401', '409', '422'].sort(),
    )
    expect(Object.keys(paths['/shops/{id}']?.['get']?.responses ?? {})).toEqual(
      ['200', ...always, '404', '422'].sort(),
    )
    expect(Object.keys(paths['/health/live']?.['get']?.responses ?? {})).not.toContain('429')
  })

  it('takes the security of a route from its guard', async () => {
    const { paths } = await describeShop()
    expect(paths['/shops']?.['post']?.security).toEqual([{ core: [] }, { tenant: [], tenantId: [] }])
    expect(paths['/shops/{id}']?.['get']?.security).toEqual([])
  })

  it('names schemas once, and every problem refers to one', async () => {
    const { paths, components } = await describeShop()
    expect(Object.keys(components.schemas)).toEqual(['Problem', 'ProblemKind', 'Shop'])
    const { responses: answers } = paths['/shops']?.['post'] ?? {}
    expect(answers?.['201']?.content).toEqual({
      'application/json': { schema: { $ref: '#/components/schemas/Shop' } },
    })
    expect(answers?.['409']?.content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    })
  })

  it('writes null as a type', async () => {
    const { components } = await describeShop()
    expect(components.schemas['Shop']).toMatchObject({
      properties: { closed_at: { type: ['string', 'null'], format: 'date-time' } },
      additionalProperties: false,
    })
    expect(JSON.stringify(components)).not.toMatch(/nullable|oneOf|discriminator/)
  })

  it('is described by routes that work', async () => {
    await using server = await makeShop()
    const open = (name: string) => server.inject({ method: 'POST', url: '/shops', payload: { name } })
    expect((await open('corner')).statusCode).toBe(201)
    expect((await open('taken')).json()).toMatchObject({ code: 'taken', status: 409 })
  })
})
