import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config.ts'
import { exists, read, root } from './project-files.ts'

interface Service {
  readonly image?: string
  readonly build?: unknown
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

const compose: ComposeFile = parse(read('docker-compose.yml'), { merge: true })
const testCompose: ComposeFile = parse(read('docker-compose.test.yml'), { merge: true })
const ROLE_SCRIPT = './docker/init-platform-role.sql:/docker-entrypoint-initdb.d/init-platform-role.sql:ro'

/** The Dockerfile's stages, each from its FROM on, one instruction a line. */
const stages = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split(/^(?=FROM )/m)
  .filter((stage) => stage.startsWith('FROM'))
  .map((stage) => stage.trim().split(/\n+/))
const production = stages.at(-1) ?? []

/** What an instruction of the production stage says, as JSON where it has the exec form. */
function instruction(name: string): string {
  const line = production.find((one) => one.startsWith(`${name} `)) ?? ''
  return line.slice(name.length + 1)
}

const healthCheck: string[] = JSON.parse(instruction('HEALTHCHECK').replace(/^.*?CMD /, ''))

it('builds every stage from Node.js 24, and the production image from the slim one', () => {
  const bases = stages.map(([from = '']) => from.split(' ')[1])
  expect(bases).toEqual(['node:24-slim', 'node:24', 'base', 'base', 'base'])
})

it('runs the server as an ordinary user, as the first process, with no build', () => {
  expect(instruction('USER')).toBe('node')
  expect(production.findLastIndex((line) => line.startsWith('COPY'))).toBeLessThan(
    production.indexOf('USER node'),
  )
  const command: string[] = JSON.parse(instruction('CMD'))
  expect(command).toEqual(['node', 'src/main/tenantry.ts', 'serve'])
  expect(exists(command[1] ?? '')).toBe(true)
  expect(instruction('STOPSIGNAL')).toBe('SIGTERM')
  expect(instruction('ENV')).toContain('NODE_ENV=production HOST=0.0.0.0')
})

it('carries production dependencies only, without the packages that bring Node.js, PostgreSQL and drizzle-kit', () => {
  const dependencies = stages.find(([from = '']) => from.endsWith('AS dependencies'))?.join('\n') ?? ''
  expect(dependencies).toContain('npm ci --omit=dev')
  const optional: string[] = Object.keys(JSON.parse(read('package.json')).optionalDependencies)
  const removed = /rm -rf (.*?) &&/.exec(dependencies)?.[1]?.split(' ') ?? []
  const isRemoved = (name: string) =>
    removed.some((path) => `node_modules/${name}`.startsWith(path.replace('*', '')))
  expect([...optional, 'drizzle-kit'].filter((name) => !isRemoved(name))).toEqual([])
})

it('copies files that exist and that .dockerignore lets through', () => {
  const ignored = read('.dockerignore')
    .split('\n')
    .filter((line) => /^[^#!]/.test(line))
  const sources = stages
    .flat()
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
    .flatMap((line) =>
      line
        .split(' ')
        .slice(1, -1)
        .filter((word) => !word.startsWith('--')),
    )
  for (const source of sources) {
    expect(exists(source), source).toBe(true)
    expect(ignored).not.toContain(source)
  }
})

it('keeps secrets and what belongs to one machine out of the image', () => {
  const ignored = read('.dockerignore').split('\n')
  for (const path of ['.git', '.env', '.env.*', '.tenantry', 'node_modules', 'coverage', 'dist']) {
    expect(ignored).toContain(path)
  }
})

it.each([
  { status: 200, exitCode: 0 },
  { status: 503, exitCode: 1 },
])('tells by its health check that the server answers $status', async ({ status, exitCode }) => {
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await runHealthCheck(port)).toBe(exitCode)
  expect(asked).toEqual(['/health/live'])
  server.close()
  await once(server, 'close')
  expect(await runHealthCheck(port)).toBe(1)
})

async function runHealthCheck(port: number): Promise<unknown> {
  const [, ...args] = healthCheck
  const child = spawn(process.execPath, args, { env: { PORT: String(port) }, stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code
}

it('keeps the data of PostgreSQL 18 in a named volume where that image puts it', () => {
  const { postgres } = compose.services
  expect(postgres?.image).toBe('postgres:18')
  expect(postgres?.volumes).toEqual(['postgres:/var/lib/postgresql', ROLE_SCRIPT])
  expect(compose.volumes).toHaveProperty('postgres')
})

it('starts the application when PostgreSQL takes connections over TCP', () => {
  const { app, postgres } = compose.services
  expect(app?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
  expect(postgres?.healthcheck?.test).toContain('pg_isready')
  expect(postgres?.healthcheck?.test).toContain('--host=127.0.0.1')
})

it('asks for every secret instead of having a default for it', () => {
  const text = read('docker-compose.yml')
  const required = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name)
  expect([...new Set(required)].sort()).toEqual([
    'POSTGRES_PASSWORD',
    'TENANTRY_DB_PASSWORD',
    'TENANTRY_SECRET',
  ])
  for (const name of required) expect(text).not.toMatch(new RegExp(`\\$\\{${name}(?!:\\?)`))
})

it('publishes the application to this machine alone, and PostgreSQL to nobody', () => {
  expect(compose.services['app']?.ports).toEqual([expect.stringMatching(/^127[.]0[.]0[.]1:.*:8000$/)])
  expect(compose.services['postgres']?.ports).toBeUndefined()
})

it('hands on every variable of the configuration that makes sense in a container', () => {
  const names = new Set<string>()
  loadConfig(new Proxy({}, { get: (_, name) => void names.add(String(name)) }))
  // The image decides these, PORT is where the container is published, and NEW_SERVER_URL is for one command.
  for (const other of ['NODE_ENV', 'HOST', 'PORT', 'TENANTRY_DATA_DIR', 'NEW_SERVER_URL']) names.delete(other)
  expect(Object.keys(compose.services['app']?.environment ?? {}).sort()).toEqual([...names].sort())
})

it('makes the platform’s role without the rights of a superuser', () => {
  const script = read('docker/init-platform-role.sql')
  expect(script).toContain('CREATE ROLE tenantry LOGIN CREATEDB CREATEROLE NOSUPERUSER')
  expect(script).not.toMatch(/PASSWORD '/)
})

it.each([
  ['postgres-15', 'postgres:15', '/var/lib/postgresql/data'],
  ['postgres-18', 'postgres:18', '/var/lib/postgresql'],
])('tests against %s with that image’s data in memory', (name, image, directory) => {
  const service = testCompose.services[name]
  expect(service).toMatchObject({ image, tmpfs: [directory], volumes: [ROLE_SCRIPT] })
  expect(service?.healthcheck?.test).toContain('--host=127.0.0.1')
  const { test } = testCompose.services
  expect(test?.build).toEqual({ context: '.', target: 'test' })
  expect(test?.depends_on).toHaveProperty(name, { condition: 'service_healthy' })
  expect(test?.command?.at(-1)).toContain(`@${name}:5432/tenantry npm test`)
})

interface Workflow {
  readonly permissions: unknown
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

it('runs npm test in CI, with pinned actions and no rights that it does not need', () => {
  const text = read('.github/workflows/ci.yml')
  const { permissions, jobs }: Workflow = parse(text)
  expect(permissions).toEqual({ contents: 'read' })
  for (const { steps } of Object.values(jobs)) {
    expect(steps.at(-1)?.run).toBe('npm test')
    const checkout = steps.find(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkout?.with).toMatchObject({ 'persist-credentials': false })
  }
  for (const [line] of text.matchAll(/uses: .*/g)) {
    expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  }
})

it('has hooks that git can run', () => {
  for (const name of readdirSync(join(root, '.githooks'))) {
    const { mode } = statSync(join(root, '.githooks', name))
    expect(mode & 0o111, name).toBe(0o111)
    expect(read(`.githooks/${name}`)).toMatch(/^#!\/bin\/sh\n/)
  }
})
