import { existsSync } from 'node:fs'
import { chown, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Account, runAs } from './account.ts'
import type { Credentials } from './credentials.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { type Programs, programPath } from './programs.ts'

/** One database directory, and everything that running it takes. */
export interface Cluster {
  readonly programs: Programs
  readonly account: Account | undefined
  readonly directory: string
  readonly logFile: string
  readonly credentials: Credentials
  readonly durable: boolean
  readonly settings: Readonly<Record<string, string>>
}

/**
 * Makes the database files where there are none. They get their name when they are complete, so that a crash leaves
 * nothing half-made.
 *
 * @throws EmbeddedPostgresError with what initdb said
 */
export async function initialise(cluster: Cluster): Promise<void> {
  const { account, directory, programs } = cluster
  if (existsSync(directory)) return
  await removeUnfinished(directory)
  const temporary = await mkdtemp(`${directory}.new-`)
  const passwordFile = `${temporary}.password`
  try {
    await writeFile(passwordFile, cluster.credentials.superuserPassword, { mode: 0o600 })
    if (account) {
      await chown(temporary, account.uid, account.gid)
      await chown(passwordFile, account.uid, account.gid)
    }
    const args = initdbArguments(temporary, passwordFile, cluster.durable)
    const { ok, output } = await runAs(account, programPath(programs, 'initdb'), args)
    if (!ok)
      throw new EmbeddedPostgresError(`PostgreSQL's initdb failed in ${dirname(directory)}:\n${output}`)
    await rename(temporary, directory)
    if (cluster.durable) await syncDirectory(dirname(directory))
  } finally {
    await rm(passwordFile, { force: true })
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The built-in locale does not change with the machine's libc, so indexes stay valid wherever the data goes. */
function initdbArguments(directory: string, passwordFile: string, durable: boolean): string[] {
  return [
    `--pgdata=${directory}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    durable ? '--sync-method=syncfs' : '--no-sync',
  ]
}

/** What a crash left; an initdb that still runs there fails and cleans up behind itself. */
async function removeUnfinished(directory: string): Promise<void> {
  const parent = dirname(directory)
  const unfinished = (await readdir(parent)).filter((name) => name.startsWith(`${basename(directory)}.new-`))
  for (const name of unfinished) {
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
