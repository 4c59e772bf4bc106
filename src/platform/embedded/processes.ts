import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { clusterName } from './settings.ts'
import { waitUntil } from './wait-until.ts'

/**
 * Says whether `pid` is the main process of the PostgreSQL server on this directory, and not another program that
 * got the number later; `unsure` for one that was started by hand and does not say its directory. It reads the
 * command line because root in a container may not see more of other users' processes.
 */
export function isPostmaster(pid: number, directory: string): boolean | 'unsure' {
  const [program = '', ...args] = commandLine(pid)
  // Its children call themselves `postgres: …`.
  if (basename(program) !== 'postgres') return false
  const named = args.includes('-D') ? (args[args.indexOf('-D') + 1] ?? '') : ''
  if (isAbsolute(named)) return named === directory
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === directory
  } catch {
    return 'unsure'
  }
}

/** Every process of the server on this directory, its main process included. */
export function serverProcesses(directory: string): number[] {
  const title = titlePrefix(directory)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLine(pid)[0]?.startsWith(title) || isPostmaster(pid, directory) === true)
}

const LEFTOVERS_LIMIT_MS = 5_000

/**
 * Ends processes that survived their main process. They hold the shared memory, without which no new server starts on
 * the directory; most notice on their own, but not one in the middle of a long computation.
 */
export async function endLeftovers(directory: string): Promise<void> {
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of leftovers(directory)) sendSignal(pid, signal)
    if (await waitUntil(() => leftovers(directory).length === 0, LEFTOVERS_LIMIT_MS)) return
  }
}

/** Signals a process that may be gone, or not ours. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already, which is all that any signal of ours is for.
  }
}

function leftovers(directory: string): number[] {
  const title = titlePrefix(directory)
  const all = serverProcesses(directory)
  return all.filter((pid) => commandLine(pid)[0]?.startsWith(title) && !all.includes(parentOf(pid)))
}

const titlePrefix = (directory: string) => `postgres: ${clusterName(directory)}: `

/** Empty for a process that is gone, or a zombie. */
function commandLine(pid: number): string[] {
  return readProc(pid, 'cmdline').split('\0')
}

/** The second field is the program's name in brackets, which may hold anything. */
function parentOf(pid: number): number {
  const stat = readProc(pid, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(join('/proc', String(pid), file), 'utf8')
  } catch {
    return ''
  }
}
