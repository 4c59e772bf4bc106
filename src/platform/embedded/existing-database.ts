import { existsSync } from 'node:fs'
import { readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, knownAccount, runAs } from './account.ts'
import type { Credentials } from './credentials.ts'
import { EmbeddedPostgresError } from './errors.ts'

/**
 * A database of another major version is left as it is.
 *
 * @throws EmbeddedPostgresError when `home` holds one
 */
export async function refuseOtherMajor(home: string, major: string): Promise<void> {
  const names = await readdir(home).catch((): string[] => [])
  const own = `postgres-${major}`
  const other = names.find((name) => /^postgres-\d+$/.test(name) && name !== own)
  if (other && !names.includes(own)) {
    throw new EmbeddedPostgresError(
      `${join(home, other)} was made by another major version of PostgreSQL than ${major}: ` +
        'move its data over (dump and restore, or pg_upgrade), or move it away to begin with an empty database',
    )
  }
  const version = await readFile(join(home, own, 'PG_VERSION'), 'utf8').catch(() => major)
  if (version.trim() !== major) {
    throw new EmbeddedPostgresError(
      `${join(home, own)} was made by PostgreSQL ${version.trim()}, not ${major}`,
    )
  }
}

/**
 * A moved clone must not quietly begin with an empty database while its data lies in the state directory.
 *
 * @throws EmbeddedPostgresError when the database that `known` belongs to is elsewhere under `stateRoot`
 */
export function refuseMoved(known: Credentials | undefined, stateRoot: string, outside: string): void {
  if (!known?.directory.startsWith(`${stateRoot}/`) || !existsSync(known.directory)) return
  throw new EmbeddedPostgresError(
    `the data directory was moved; its database is still in ${known.directory}: move that to ${outside}`,
  )
}

/** Whoever removed the data directory wants to begin anew; what they left behind is kept, under another name. */
export async function setAside(directory: string, note: (message: string) => void): Promise<void> {
  const aside = `${directory}.left-${new Date().toISOString().replaceAll(':', '-')}`
  await rename(directory, aside)
  note(`the database of an earlier data directory was set aside in ${aside}`)
}

/**
 * The user that an existing database belongs to, and is run as.
 *
 * @throws EmbeddedPostgresError when that is root
 */
export async function ownerOf(directory: string): Promise<Account> {
  const { uid, gid } = await stat(directory)
  if (uid !== 0) return knownAccount(uid) ?? { name: `uid ${uid}`, uid, gid }
  throw new EmbeddedPostgresError(
    `${directory} belongs to root, and PostgreSQL refuses to run as root: give it to another user (chown -R postgres)`,
  )
}

/**
 * An ordinary user's data directory stays that user's when root starts from it. Gives `undefined` for one of root, or
 * of a user that this machine does not know (a mounted volume), since initdb refuses users without a name.
 */
export async function ownerOfDataDir(dataDir: string): Promise<Account | undefined> {
  const { uid } = await stat(dataDir)
  return uid === 0 ? undefined : knownAccount(uid)
}

/**
 * Permissions may have become stricter since the database was made.
 *
 * @throws EmbeddedPostgresError when its user cannot reach it any more
 */
export async function refuseUnreachable(account: Account, directory: string): Promise<void> {
  if ((await runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', directory])).ok) return
  throw new EmbeddedPostgresError(
    `the user ${account.name}, who runs PostgreSQL, cannot reach ${directory}: ` +
      'let others pass through the directories above it (chmod o+x)',
  )
}
