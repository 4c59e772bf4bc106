import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type pg from 'pg'
import { REQUEST_TIMEOUTS, withConnection } from '../postgres/connection.ts'
import type { EmbeddedPostgresOptions } from './embedded-postgres.ts'
import { sendSignal } from './processes.ts'
import { waitUntil } from './wait-until.ts'

/** A directory for one test, reachable for every user. At its end no process may work in it. */
export async function scratch() {
  const path = await mkdtemp('/tmp/tenantry-embedded-')
  await chmod(path, 0o755)
  return {
    path,
    dataDir: join(path, 'data'),
    async [Symbol.asyncDispose]() {
      // A guard whose client was killed while it started one waits ten seconds for it.
      const gone = await waitUntil(() => processesOf(path).length === 0, 25_000)
      const left = processesOf(path)
      for (const { pid } of left) sendSignal(pid, 'SIGKILL')
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
      if (!gone) throw new Error(`left running: ${left.map(({ command }) => command).join('\n')}`)
    },
  }
}

/** Every process, zombies aside, whose command line names a path. */
export function processesOf(path: string): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    const command = commandOf(Number(pid))
    return command.includes(path) ? [{ pid: Number(pid), command }] : []
  })
}

/** A running program's command line, or nothing. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** The guard of a data directory. */
export function guardOf(dataDir: string): number {
  const found = processesOf(`"dataDir":"${dataDir}"`).find(({ command }) => command.includes('guard-process'))
  if (!found) throw new Error(`no guard of ${dataDir} runs`)
  return found.pid
}

/** The shell that stops PostgreSQL when its guard is killed. */
export function watcherOf(postmaster: number): number {
  const title = `tenantry-postgres-watcher ${postmaster}`
  const found = processesOf(title).find(({ command }) => command.endsWith(title))
  if (!found) throw new Error(`no watcher of ${postmaster} runs`)
  return found.pid
}

/** Runs one statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const options = { url, applicationName: 'test', timeouts: REQUEST_TIMEOUTS }
  return withConnection(options, async (connection) => (await connection.query<Row>(text)).rows)
}

/** Another process that holds the server. */
export interface OtherClient {
  readonly pid: number
  readonly url: string
  readonly location: string
  readonly log: readonly string[]
  release(): Promise<string>
  kill(): Promise<void>
}

const MODULE = new URL('./embedded-postgres.ts', import.meta.url).href

const SCRIPT = `
  const { acquireEmbeddedPostgres } = await import(${JSON.stringify(MODULE)})
  const tell = (message) => process.stdout.write(JSON.stringify(message) + '\\n')
  try {
    const options = { ...JSON.parse(process.argv[1]), log: (line) => tell({ line }) }
    const postgres = await acquireEmbeddedPostgres(options)
    tell({ url: postgres.url, location: postgres.location })
    process.stdin.once('data', async () => tell({ released: await postgres.release() }))
  } catch (error) {
    tell({ error: error.name + ': ' + error.message })
  }
`

/** Starts a process, possibly of another user, that acquires the server; throws what it throws. */
export async function startClient(
  options: EmbeddedPostgresOptions,
  account?: { uid: number; gid: number },
): Promise<OtherClient> {
  const args = ['--input-type=module', '-e', SCRIPT, JSON.stringify(options)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/', ...account })
  child.stdin.on('error', () => undefined)
  const log: string[] = []
  const next = answersOf(child, log)
  const answer = await next()
  if (answer.error !== undefined) throw new Error(answer.error)
  return {
    pid: child.pid ?? 0,
    url: answer.url ?? '',
    location: answer.location ?? '',
    log,
    release: async () => {
      child.stdin.end('release\n')
      return (await next()).released ?? ''
    },
    kill: async () => {
      child.kill('SIGKILL')
      if (child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** What the script tells, one line each. */
interface Answer {
  readonly url?: string
  readonly location?: string
  readonly released?: string
  readonly error?: string
  readonly line?: string
}

function answersOf(child: ChildProcess, log: string[]): () => Promise<Answer> {
  if (!child.stdout) throw new Error('the client has no output')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('the client ended without an answer')
      const answer = JSON.parse(value) as Answer
      if (answer.line === undefined) return answer
      log.push(answer.line)
    }
  }
}
