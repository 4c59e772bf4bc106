import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './poll.ts'
import { type Finished, StartedProcess, type StartOptions } from './processes.ts'
import { ENTRY, PROJECT } from './project.ts'
import { processesNaming } from './running-postgres.ts'
import { leaksIn } from './written-secrets.ts'

type Env = Readonly<Record<string, string>>

/** A running `tenantry serve`. */
export interface Server {
  readonly url: string
  readonly process: StartedProcess
  /** Asks it to stop, as Ctrl-C does, and gives its exit code. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>
}

/**
 * A directory of the test's own with the processes that work in it. At its end they are stopped, the directory is
 * removed, and whatever still runs there, or has written a secret (O16), fails the test.
 */
export class Workspace implements AsyncDisposable {
  readonly path: string
  /** TENANTRY_DATA_DIR of everything that is started here. */
  readonly dataDir: string
  readonly #started: StartedProcess[] = []

  private constructor(path: string) {
    this.path = path
    this.dataDir = join(path, 'data')
  }

  static async create(): Promise<Workspace> {
    const path = await mkdtemp('/tmp/tenantry-acceptance-')
    // PostgreSQL does not run as root, and its user must get in.
    await chmod(path, 0o755)
    return new Workspace(path)
  }

  /** Starts any program. */
  start(command: string, args: readonly string[], options: Partial<StartOptions> = {}): StartedProcess {
    const env = { HOME: this.path, TENANTRY_DATA_DIR: this.dataDir, ...options.env }
    const started = new StartedProcess(command, args, { cwd: this.path, ...options, env })
    this.#started.push(started)
    return started
  }

  /** Starts `tenantry …`; in the directory itself, so that no `.env` of the project counts. */
  startTenantry(args: readonly string[], env: Env = {}, project = PROJECT): StartedProcess {
    return this.start(process.execPath, [join(project, ENTRY), ...args], { env })
  }

  /** Runs `tenantry …` to its end. */
  async tenantry(args: string, env: Env = {}, project = PROJECT): Promise<Finished> {
    return await this.startTenantry(args.split(' '), env, project).finished()
  }

  /** Runs a server on a port of its own and waits until it is ready. */
  async serve(env: Env = {}, project = PROJECT): Promise<Server> {
    return await whenReady(this.startTenantry(['serve'], { PORT: '0', RATE_LIMITS: 'off', ...env }, project))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#started) if (!one.ending) one.kill('SIGTERM')
    await Promise.all(this.#started.map((one) => endedWithin(one, 15_000)))
    const left = () => processesNaming(this.path)
    const gone = await endedSoon(() => left().length === 0)
    const runaways = left().map(({ command }) => command)
    for (const { pid } of left()) tryKill(pid)
    const leaks = await leaksIn(this.dataDir, this.#started)
    await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    if (!gone) throw new Error(`left running:\n${runaways.join('\n')}`)
    if (leaks.length > 0) throw new Error(leaks.join('\n'))
  }
}

/** Waits until a server that was started by whatever means is ready. */
export async function whenReady(server: StartedProcess): Promise<Server> {
  const [, url = ''] = await server.says(/API\s+(http\S+)\/api\/v1/)
  return {
    url,
    process: server,
    stop: async (signal = 'SIGTERM') => {
      server.kill(signal)
      return (await server.exited()).code
    },
  }
}

async function endedWithin(one: StartedProcess, withinMs: number): Promise<void> {
  await eventually('its end', () => one.ending, { withinMs }).catch(() => one.kill('SIGKILL'))
}

async function endedSoon(ask: () => boolean): Promise<boolean> {
  return await eventually('the end of all', ask, { withinMs: 15_000 }).catch(() => false)
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
