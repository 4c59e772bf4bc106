import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_WITHIN_MS = 5_000
const POLL_MS = 25
/** PgBouncer refuses to run as root; on Linux this is `nobody`. */
const NOBODY = 65_534

/** Where the program is, or `undefined` on a machine that has none. */
export function findPgBouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, 'pgbouncer')).find((program) => existsSync(program))
}

/**
 * The configuration: transaction pooling for any database of a server, within a number of server connections in all.
 *
 * - `max_user_connections` is the limit over all databases, as every one is entered as the same user; when it is
 *   reached, an unused connection to another database is closed for the one that is wanted.
 * - `default_pool_size`, most for one database, is what the product may open to one tenant.
 * - `server_idle_timeout` is short, so that places of tenants that are no longer asked for are free before somebody
 *   wants them; closing them earlier still would only cost the tenants in use their connections.
 */
export function pgBouncerConfig(
  serverUrl: string,
  { port, connections, perTenant }: { port: number; connections: number; perTenant: number },
): string {
  const { hostname, port: serverPort } = new URL(serverUrl)
  return `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = users.txt
pool_mode = transaction
max_client_conn = 5000
default_pool_size = ${perTenant}
max_user_connections = ${connections}
server_idle_timeout = 2
server_reset_query =
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
`
}

/**
 * Runs `work` with a PgBouncer in front of a server, and ends it.
 *
 * @param work gets the port to connect to instead of the server's
 */
export async function withPgBouncer<T>(
  program: string,
  serverUrl: string,
  limits: { connections: number; perTenant: number },
  work: (port: number) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-bench-pgbouncer-'))
  try {
    const port = await freePort()
    await writeFile(join(directory, 'pgbouncer.ini'), pgBouncerConfig(serverUrl, { port, ...limits }))
    await writeFile(join(directory, 'users.txt'), credentials(serverUrl))
    const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    if (account.uid !== undefined) await handOver(directory, account)
    return await whileRunning(program, directory, account, port, work)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function whileRunning<T>(
  program: string,
  directory: string,
  account: { uid?: number; gid?: number },
  port: number,
  work: (port: number) => Promise<T>,
): Promise<T> {
  const child = spawn(program, ['pgbouncer.ini'], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...account,
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + String(chunk)).slice(-2_000)
  })
  try {
    for (const deadline = Date.now() + START_WITHIN_MS; !(await listens(port)); await sleep(POLL_MS))
      if (Date.now() > deadline || child.exitCode !== null)
        throw new Error(`PgBouncer did not start:\n${said}`)
    return await work(port)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

async function handOver(directory: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  for (const path of [directory, join(directory, 'pgbouncer.ini'), join(directory, 'users.txt')]) {
    await chown(path, uid, gid)
    await chmod(path, path === directory ? 0o700 : 0o600)
  }
}

function credentials(serverUrl: string): string {
  const { username, password } = new URL(serverUrl)
  const quote = (text: string) => `"${decodeURIComponent(text).replaceAll('"', '""')}"`
  return `${quote(username)} ${quote(password)}\n`
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(address && typeof address === 'object' ? address.port : 0))
    })
  })
}
