import { readFileSync } from 'node:fs'
import type { Logger } from '../platform/index.ts'

/**
 * A terminal sends Ctrl-C to every process of the group, and npm passes it on once more: signals that close to each
 * other are one wish to stop. A later one means that somebody does not want to wait.
 */
const SAME_WISH_MS = 1_000
const ORPHAN_CHECK_MS = 500
const FOR_EVER_MS = 2 ** 31 - 1

/** Why the process is to stop, and whether that is a failure. */
export interface Stop {
  readonly reason: string
  readonly failed: boolean
}

/**
 * Resolves when the process is to stop: SIGINT, SIGTERM or SIGHUP, or that npm, which started it, was
 * killed, or that something threw what nobody caught. A second signal ends the process at once.
 */
export async function untilToldToStop(log: Logger): Promise<Stop> {
  // Node.js ends a process that waits for nothing but a signal, and a worker has no socket that it listens on.
  const alive = setInterval(() => undefined, FOR_EVER_MS)
  try {
    return await toldToStop(log)
  } finally {
    clearInterval(alive)
  }
}

function toldToStop(log: Logger): Promise<Stop> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: string) => {
      if (firstAt !== undefined && Date.now() - firstAt > SAME_WISH_MS) {
        log.fatal({ signal }, 'told to stop again: ending at once')
        process.exit(1)
      }
      firstAt ??= Date.now()
      resolve({ reason: signal, failed: false })
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
    // Rejections that nobody handles come here too, and `origin` tells them apart.
    process.on('uncaughtException', (error, origin) => {
      log.fatal({ err: error, origin }, 'uncaught exception')
      resolve({ reason: 'uncaught exception', failed: true })
    })
    if (isStartedByNpm())
      watchParent(() => resolve({ reason: 'the process that started this one is gone', failed: false }))
  })
}

function isStartedByNpm(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined
}

function watchParent(gone: () => void): void {
  const atStart = lineage()
  const timer = setInterval(() => {
    if (lineage() === atStart) return
    clearInterval(timer)
    gone()
  }, ORPHAN_CHECK_MS).unref()
}

/**
 * Who started us. npm runs scripts through a shell; some shells (Debian's) do not give way to the program but stay in
 * between and outlive npm, so the shell's parent counts too. scripts/bootstrap.mjs does the same.
 */
function lineage(): string {
  const parent = process.ppid
  return isShellOfNpm(parent) ? `${parent} ${parentOf(parent)}` : String(parent)
}

function isShellOfNpm(pid: number): boolean {
  const script = process.env['npm_lifecycle_script']
  const [, flag, ...command] = readProc(pid, 'cmdline').split('\0')
  return script !== undefined && flag === '-c' && command.join(' ').includes(script)
}

/** The second field is the program's name in brackets, which may hold anything. */
function parentOf(pid: number): number {
  const stat = readProc(pid, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** Empty for a process that is gone, and where the system has no such files. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
