import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { programsFor, serverAccount } from '../../acceptance/support/external-postgres.ts'
import { eventually } from '../../acceptance/support/poll.ts'
import type { StartedProcess } from '../../acceptance/support/processes.ts'
import { connectTo, processesNaming } from '../../acceptance/support/running-postgres.ts'
import { freePort } from '../../acceptance/support/taken-port.ts'
import type { Workspace } from '../../acceptance/support/workspace.ts'

const PASSWORD = 'own-postgres-password'

export interface OwnPostgresOptions {
  /** Tells the clusters of one workspace apart. */
  readonly name?: string
  /** `embedded`, or one that the machine has. */
  readonly version?: string
  /** Settings beyond the usual, as `max_connections=20`. */
  readonly settings?: readonly string[]
}

/**
 * A PostgreSQL cluster of a test's own, which it may stop, kill and start again on the same port. Its role `platform` may
 * make databases and roles and is nothing more.
 */
export class OwnPostgres implements AsyncDisposable {
  /** The superuser's. */
  readonly adminUrl: string
  readonly #place: Workspace
  readonly #program: string
  readonly #arguments: readonly string[]
  readonly #title: string
  readonly #port: number
  #server: StartedProcess | undefined

  private constructor(place: Workspace, home: string, programs: string, port: number, settings: string[]) {
    this.#place = place
    this.#port = port
    this.#title = `own_${process.pid}_${port}`
    this.#program = join(programs, 'postgres')
    const all = [`port=${port}`, `cluster_name=${this.#title}`, ...settings]
    this.#arguments = ['-D', join(home, 'data'), ...all.flatMap((one) => ['-c', one])]
    this.adminUrl = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  }

  /** Makes a cluster and starts it. It ends with this object, and at the latest with its workspace. */
  static async create(place: Workspace, options: OwnPostgresOptions = {}): Promise<OwnPostgres> {
    const { name = 'own', version = 'embedded', settings = [] } = options
    const home = join(place.path, `${name}-postgres`)
    const data = join(home, 'data')
    await mkdir(data, { recursive: true })
    const programs = await programsFor(version, place.path)
    const passwordFile = join(home, 'password')
    await writeFile(passwordFile, PASSWORD)
    const account = serverAccount()
    if (account) await chown(data, account.uid, account.gid)
    const how = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8']
    const made = await place
      .start(join(programs, 'initdb'), [`--pgdata=${data}`, ...how, '--locale=C', '--no-sync'], {
        cwd: '/',
        env: { LC_ALL: 'C' },
        ...account,
      })
      .finished()
    if (made.code !== 0) throw new Error(`initdb failed: ${made.stdout}${made.stderr}`)

    const usual = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
    const postgres = new OwnPostgres(place, home, programs, await freePort(), [...usual, ...settings])
    await postgres.start()
    await postgres.asAdmin((admin) =>
      admin.query(`CREATE ROLE platform LOGIN CREATEDB CREATEROLE PASSWORD '${PASSWORD}'`),
    )
    return postgres
  }

  /** DATABASE_URL for the platform's role. */
  urlFor(database: string): string {
    return `postgres://platform:${PASSWORD}@127.0.0.1:${this.#port}/${database}`
  }

  /** Starts it and waits until it accepts connections. */
  async start(): Promise<void> {
    const how = { cwd: '/', env: { LC_ALL: 'C' }, ...serverAccount() }
    this.#server = this.#place.start(this.#program, this.#arguments, how)
    await this.untilItAccepts()
  }

  /** Waits until it accepts connections, again or for the first time. */
  async untilItAccepts(): Promise<void> {
    const server = this.#server
    await eventually(
      'PostgreSQL to accept connections',
      () => {
        if (server?.ending) throw new Error(`PostgreSQL has ended\n${server.report()}`)
        return this.#accepts()
      },
      { evidence: () => server?.report() ?? '' },
    )
  }

  /** As `pg_ctl stop`: `fast` breaks connections off and writes everything down, `immediate` just ends. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    this.#server?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await this.#gone()
  }

  /** SIGKILL for the main process; the others notice and end. */
  async crash(): Promise<void> {
    this.#server?.kill('SIGKILL')
    await this.#gone()
  }

  /** Stops every process where it is: who connects waits, who asks gets no answer, and no connection ends. */
  freeze(): void {
    for (const { pid } of processesNaming(this.#title)) process.kill(pid, 'SIGSTOP')
  }

  /** Lets them go on. */
  thaw(): void {
    for (const { pid } of processesNaming(this.#title)) process.kill(pid, 'SIGCONT')
  }

  /** SIGKILL for one backend, which makes PostgreSQL end all of them and recover. */
  killBackend(pid: number): void {
    process.kill(pid, 'SIGKILL')
  }

  /** Runs `work` as the superuser, connected to one database. */
  async asAdmin<T>(work: (admin: pg.Client) => Promise<T>, database = 'postgres'): Promise<T> {
    const url = new URL(this.adminUrl)
    url.pathname = `/${database}`
    const admin = await connectTo(url.href)
    try {
      return await work(admin)
    } finally {
      await admin.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #gone(): Promise<void> {
    await this.#server?.exited()
    await eventually('the end of every backend', () => processesNaming(this.#title).length === 0)
    this.#server = undefined
  }

  async #accepts(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.adminUrl })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return true
    } catch {
      return false
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
