import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import pg from 'pg'

/** One of the machine's processes. */
export interface SystemProcess {
  readonly pid: number
  readonly command: string
}

/** Every process whose command line names a path. Zombies have none. */
export function processesNaming(path: string): SystemProcess[] {
  return allProcesses().filter(({ command }) => command.includes(path))
}

/** Every living process of a process group. */
export function processGroup(leader: number): SystemProcess[] {
  return allProcesses().filter(({ pid, command }) => command !== '' && groupOf(pid) === leader)
}

/** Every living PostgreSQL process of a data directory; its main process is the first. */
export function postgresProcesses(dataDir: string): SystemProcess[] {
  const { directory } = credentialsIn(dataDir)
  if (directory === undefined) return []
  // PostgreSQL's other processes show the cluster's name, and no path.
  const title = /"?cluster_name=([\w-]+)/.exec(readText(join(directory, 'postmaster.opts')))?.[1]
  const all = allProcesses()
  const isMain = ({ command }: SystemProcess) => {
    const [program = '', ...args] = command.split(' ')
    return basename(program) === 'postgres' && args.includes(directory)
  }
  const isOther = ({ command }: SystemProcess) => command.startsWith(`postgres: ${title}:`)
  return [...all.filter(isMain), ...all.filter(isOther)]
}

/** The main process of a data directory's PostgreSQL. */
export function postmasterOf(dataDir: string): number | undefined {
  return postgresProcesses(dataDir)[0]?.pid
}

/** Where PostgreSQL notes its main process. */
export function postmasterFile(dataDir: string): string {
  return join(credentialsIn(dataDir).directory ?? '', 'postmaster.pid')
}

/** Connects to a database of a running server's own PostgreSQL as the platform's role, by default to the core. */
export async function connectAsPlatform(dataDir: string, database = 'tenantry'): Promise<pg.Client> {
  return await connectTo(platformUrl(dataDir, database))
}

/** Where the platform's role reaches a running server's own PostgreSQL, as DATABASE_URL has it. */
export function platformUrl(dataDir: string, database = 'tenantry'): string {
  const { rolePassword } = credentialsIn(dataDir)
  return `postgres://tenantry:${rolePassword}@127.0.0.1:${portOf(dataDir)}/${database}`
}

/** Connects to a running server's own PostgreSQL as its superuser. */
export async function connectAsSuperuser(dataDir: string): Promise<pg.Client> {
  const { superuserPassword } = credentialsIn(dataDir)
  return await connectTo(`postgres://postgres:${superuserPassword}@127.0.0.1:${portOf(dataDir)}/postgres`)
}

/** A connection that may be lost without ending the test process. It sees the tables that the server sees. */
export async function connectTo(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, options: '-c search_path=public' })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

interface Credentials {
  readonly directory?: string
  readonly rolePassword?: string
  readonly superuserPassword?: string
}

/** What the first start of the embedded PostgreSQL writes; empty before. */
function credentialsIn(dataDir: string): Credentials {
  return JSON.parse(readText(join(dataDir, 'postgres-credentials.json')) || '{}')
}

function portOf(dataDir: string): number {
  return Number(readText(postmasterFile(dataDir)).split('\n')[3])
}

function allProcesses(): SystemProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }))
}

/** The second field is the program's name in brackets, which may hold anything; the group is the fifth. */
function groupOf(pid: number): number {
  const stat = readText(join('/proc', String(pid), 'stat'))
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
}

function commandOf(pid: string): string {
  return readText(join('/proc', pid, 'cmdline'))
    .replaceAll('\0', ' ')
    .trim()
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
