import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { eventually } from './poll.ts'

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that ran to its end. */
export interface Finished extends Ending {
  readonly stdout: string
  readonly stderr: string
}

export interface StartOptions {
  readonly cwd: string
  /** All that the process finds in its environment, besides PATH. */
  readonly env?: Readonly<Record<string, string>>
  /** Is there to show what it sends and gets: its output is not searched for secrets. */
  readonly showsSecrets?: boolean
  /** Leads a process group of its own, as what a terminal runs does. */
  readonly group?: boolean
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** Some hundred processes of the same program are started; compiled once, each starts in three quarters of the time. */
const COMPILED = join(tmpdir(), 'tenantry-tests-compiled')

const ofThisFile: StartedProcess[] = []

// A test that waits for a process in vain says little; what the process wrote says why.
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const one of ofThisFile) process.stderr.write(`${one.report()}\n`)
})

/** A child process with everything that it wrote. */
export class StartedProcess {
  /** What was put into its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly showsSecrets: boolean
  readonly #child: ChildProcess
  readonly #name: string
  readonly #exited = Promise.withResolvers<Ending>()
  readonly #closed = Promise.withResolvers<void>()
  #stdout = ''
  #stderr = ''
  #ending: Ending | undefined
  #isClosed = false

  constructor(command: string, args: readonly string[], options: StartOptions) {
    const { cwd, env = {}, group = false, uid, gid } = options
    this.showsSecrets = options.showsSecrets ?? false
    this.env = env
    this.#name = [command, ...args].join(' ')
    this.#child = spawn(command, args, {
      cwd,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILED, ...env },
      detached: group,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.once('exit', (code, signal) => this.#end({ code, signal }))
    this.#child.once('close', () => this.#close())
    this.#child.once('error', (error) => {
      this.#stderr += error.message
      this.#end({ code: null, signal: null })
      this.#close()
    })
    ofThisFile.push(this)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Waits for its end. */
  exited(): Promise<Ending> {
    return this.#exited.promise
  }

  /** Waits until it, and whoever inherited its output, has ended; then all of the output is there. */
  async finished(): Promise<Finished> {
    const ending = await this.exited()
    await this.#closed.promise
    return { ...ending, stdout: this.#stdout, stderr: this.#stderr }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Signals the whole process group, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // Nobody of the group is left.
    }
  }

  /** Waits for something in its output, on either stream. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const evidence = () => this.report()
    const ask = () => {
      const found = pattern.exec(`${this.#stdout}\n${this.#stderr}`)
      if (!found && this.#isClosed) throw new Error(`it ended without saying ${pattern}\n${evidence()}`)
      return found
    }
    return await eventually(`a process to say ${pattern}`, ask, { evidence, withinMs: 40_000 })
  }

  /** What it is and what it wrote. */
  report(): string {
    const { code, signal } = this.#ending ?? {}
    const state = this.#ending ? `ended with ${signal ?? code}` : 'runs'
    return `── ${this.#name} (${state})\n${this.#stdout}${this.#stderr}`
  }

  #end(ending: Ending): void {
    this.#ending ??= ending
    this.#exited.resolve(this.#ending)
  }

  #close(): void {
    this.#isClosed = true
    this.#closed.resolve()
  }
}
