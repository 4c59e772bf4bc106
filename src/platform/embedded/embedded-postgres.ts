import { type Attachment, attach, type GuardLink } from './attach.ts'
import { roleUrl, superuserUrl } from './credentials.ts'
import { prepareDataDir } from './data-dir.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { findPrograms } from './programs.ts'
import type { GuardMessage, GuardRequest } from './protocol.ts'

/** A running PostgreSQL server on this machine, ours until released. */
export interface EmbeddedPostgres {
  /** Connects as the platform's role to the platform's database. */
  readonly url: string
  /** Connects as superuser to the database `postgres`; for tests and diagnosis. */
  readonly adminUrl: string
  /** Where the data lies. */
  readonly location: string
  /** Gives the server up. It has stopped when nobody else uses it. */
  release(): Promise<'stopped' | 'in-use'>
}

/** What a server is started with. When it runs already, only `dataDir` and `log` count. */
export interface EmbeddedPostgresOptions {
  readonly dataDir: string
  /** `false`, for tests only, trades safety against power cuts for speed. */
  readonly durable?: boolean
  /** PostgreSQL settings, for example `{ max_connections: '50' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Told what a person may want to know, such as an unusual place of the data. */
  readonly log?: (message: string) => void
}

const START_LIMIT_MS = 60_000
const RELEASE_LIMIT_MS = 30_000

/**
 * Gives the PostgreSQL server of a data directory, which is made on first use. All processes that ask for the same
 * directory share one server; it stops when the last of them releases it or ends, however it ends.
 *
 * @throws EmbeddedPostgresError with a line that says what to do, within a minute at most
 */
export async function acquireEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { durable = true, settings = {}, log = () => undefined } = options
  // Told here, because elsewhere than on Linux there is not even a guard to tell it.
  await findPrograms()
  const dataDir = await prepareDataDir(options.dataDir)
  const request = { dataDir, durable, settings }
  return new Session(request, log, await attachInTime(request, log))
}

function attachInTime(request: GuardRequest, log: (message: string) => void): Promise<Attachment> {
  const limit = new AbortController()
  const late = `PostgreSQL was not ready after ${START_LIMIT_MS / 1000} s; its logs are in ${request.dataDir}`
  const timer = setTimeout(() => limit.abort(new EmbeddedPostgresError(late)), START_LIMIT_MS)
  return attach(request, log, limit.signal).finally(() => clearTimeout(timer))
}

/** One hold on the server. When the guard is killed, another is asked for, which brings the same server back. */
class Session implements EmbeddedPostgres {
  readonly url: string
  readonly adminUrl: string
  readonly location: string
  readonly #request: GuardRequest
  readonly #log: (message: string) => void
  #link: GuardLink | undefined
  #returning: Promise<void> | undefined
  #released: Promise<'stopped' | 'in-use'> | undefined

  constructor(request: GuardRequest, log: (message: string) => void, attachment: Attachment) {
    const { credentials, port, directory } = attachment
    this.url = roleUrl(credentials, port)
    this.adminUrl = superuserUrl(credentials, port)
    this.location = directory
    this.#request = request
    this.#log = log
    this.#hold(attachment)
  }

  release(): Promise<'stopped' | 'in-use'> {
    this.#released ??= this.#release()
    return this.#released
  }

  #hold({ link }: Attachment): void {
    this.#link = link
    // Holding the server must not keep a process alive that has nothing else to do.
    link.socket.unref()
    let farewell = false
    link.on('message', (message) => {
      if (message.type === 'note' || message.type === 'failed') this.#log(message.message)
      farewell ||= message.type === 'failed'
    })
    const lost = () => {
      this.#link = undefined
      if (!farewell && !this.#released) this.#returning = this.#return()
    }
    if (link.socket.closed) lost()
    else link.once('close', lost)
  }

  async #return(): Promise<void> {
    this.#log('the guard of PostgreSQL was lost; another one is started')
    try {
      const attachment = await attachInTime(this.#request, this.#log)
      this.#hold(attachment)
      if (roleUrl(attachment.credentials, attachment.port) !== this.url) {
        this.#log(`PostgreSQL came back on port ${attachment.port}: restart to use it`)
      }
    } catch (error) {
      this.#log(`PostgreSQL did not come back: ${messageOf(error)}`)
    }
  }

  async #release(): Promise<'stopped' | 'in-use'> {
    await this.#returning
    const link = this.#link
    if (!link) return 'stopped'
    link.socket.ref()
    return new Promise((resolve) => {
      let answer: 'stopped' | 'in-use' = 'stopped'
      const limit = setTimeout(() => link.socket.destroy(), RELEASE_LIMIT_MS)
      link.on('message', (message: GuardMessage) => {
        if (message.type === 'in-use') answer = 'in-use'
      })
      link.once('close', () => {
        clearTimeout(limit)
        resolve(answer)
      })
      link.send({ type: 'release' })
    })
  }
}
