import { spawn } from 'node:child_process'
import { closeSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { childOptions } from './account.ts'
import type { Cluster } from './cluster.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { logTail, openLog, sizeOf, withLog } from './log-file.ts'
import { endLeftovers, isPostmaster, sendSignal } from './processes.ts'
import { programPath } from './programs.ts'
import { serverArguments } from './settings.ts'
import { waitUntil } from './wait-until.ts'

/** The main process of a running server. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Settles when the process is gone, whatever the reason. */
  readonly exited: Promise<void>
}

/** What PostgreSQL itself writes of its main process. */
export interface PostmasterState {
  readonly pid: number
  readonly port: number
  readonly status: string
}

/** How long a start may take, recovery after a crash included. */
export const READY_LIMIT_MS = 55_000

/**
 * Reads postmaster.pid, or gives `undefined` when there is none yet, or none any more.
 *
 * @see https://www.postgresql.org/docs/current/storage-file-layout.html
 */
export function readPostmasterState(directory: string): PostmasterState | undefined {
  try {
    const lines = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')
    const [pid, , , port, , , , status = ''] = lines
    return { pid: Number(pid), port: Number(port), status: status.trim() }
  } catch {
    return undefined
  }
}

/** The server did not come up; `log` is what it wrote. */
export class StartFailure extends EmbeddedPostgresError {
  readonly log: string

  constructor(message: string, log: string) {
    super(message)
    this.log = log
  }
}

/**
 * Starts the server and waits until it takes connections.
 *
 * @throws StartFailure when it ends before that, or takes too long
 */
export async function startPostmaster(cluster: Cluster, port: number): Promise<Postmaster> {
  const before = sizeOf(cluster.logFile)
  const log = openLog(cluster.logFile)
  const since = Math.min(before, sizeOf(cluster.logFile))
  const child = spawn(programPath(cluster.programs, 'postgres'), serverArguments(cluster, port), {
    ...childOptions(cluster.account),
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended: string | undefined
  const exited = new Promise<void>((resolve) => {
    const settle = (how: string) => {
      ended = how
      resolve()
    }
    child.once('exit', () => settle('PostgreSQL did not start'))
    child.once('error', (error) => settle(`PostgreSQL cannot be run: ${error.message}`))
  })
  const isReady = () => {
    const state = readPostmasterState(cluster.directory)
    return state?.pid === child.pid && state?.status === 'ready'
  }
  await waitUntil(() => ended !== undefined || isReady(), READY_LIMIT_MS)
  if (!ended && child.pid !== undefined && isReady()) return { pid: child.pid, port, exited }
  child.kill('SIGKILL')
  const line = ended ?? `PostgreSQL was not ready after ${READY_LIMIT_MS / 1000} s`
  throw new StartFailure(withLog(line, cluster.logFile, since), logTail(cluster.logFile, since))
}

/**
 * Finds a server that an earlier guard left behind alive. A server on its way up or down is waited for. A
 * postmaster.pid that names another program is removed: PostgreSQL would take any process of its user for a server.
 *
 * @returns `undefined` when there is none
 * @throws EmbeddedPostgresError when one neither becomes ready nor ends
 */
export async function findPostmaster(directory: string): Promise<Postmaster | undefined> {
  const found = await waitUntil(() => {
    const state = readPostmasterState(directory)
    const ours = state && isPostmaster(state.pid, directory)
    if (!ours) return 'none'
    if (ours === 'unsure') refuseUnknown(state.pid, directory)
    return state.status === 'ready' && state
  }, READY_LIMIT_MS)
  if (found === 'none') {
    rmSync(join(directory, 'postmaster.pid'), { force: true })
    return undefined
  }
  if (!found) throw new EmbeddedPostgresError(`the PostgreSQL on ${directory} neither becomes ready nor ends`)
  const { pid, port } = found
  return { pid, port, exited: whenGone(pid, directory) }
}

function refuseUnknown(pid: number, directory: string): never {
  throw new EmbeddedPostgresError(
    `process ${pid}, which seems to be a PostgreSQL server started by hand, uses ${directory}: stop it first`,
  )
}

const WATCH_EVERY_MS = 100

/** No event tells of the end of a process that is not our child. */
function whenGone(pid: number, directory: string): Promise<void> {
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      if (isPostmaster(pid, directory) === true) return
      clearInterval(watch)
      resolve()
    }, WATCH_EVERY_MS)
  })
}

/** Each is tried for so long: fast shutdown, immediate shutdown (safe, recovers at the next start), and the end. */
const STOP_STEPS = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

/** Stops the server: connections are ended, what was committed is on disk. */
export async function stopPostmaster(postmaster: Postmaster, directory: string): Promise<void> {
  let gone = false
  void postmaster.exited.then(() => {
    gone = true
  })
  for (const [signal, limitMs] of STOP_STEPS) {
    if (isPostmaster(postmaster.pid, directory) === true) sendSignal(postmaster.pid, signal)
    if (await waitUntil(() => gone, limitMs)) break
  }
  await endLeftovers(directory)
}
