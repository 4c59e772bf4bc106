import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** What a command wrote. */
export interface Written {
  readonly stdout: string
  readonly stderr: string
}

/** Of one command's output; a longer one ends the command. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** Commands that run. They are out of reach of the terminal's Ctrl-C, so nobody else ends them when this process goes. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) killGroup(child)
})

/**
 * Runs a program to its end, in a group of its own: an interrupt at the terminal reaches this process alone, which lets
 * what has begun end. Standard input is empty, because there is nobody to type.
 *
 * @throws an Error that says how it ended, with what it wrote to stderr, unless that was with exit code 0
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Written> {
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  try {
    const closed = once(child, 'close') // Rejects when it could not be started.
    const outputs = Promise.all([collect(child.stdout), collect(child.stderr)])
    outputs.catch(() => killGroup(child))
    const [[stdout, stderr], [code, signal]] = await Promise.all([outputs, closed])
    if (code === 0) return { stdout, stderr }
    const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`
    throw new Error(`the command ended with ${code === null ? signal : `exit code ${code}`}${said}`)
  } finally {
    running.delete(child)
  }
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_OUTPUT_BYTES) throw new Error(`the command wrote more than ${MAX_OUTPUT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended already.
  }
}
