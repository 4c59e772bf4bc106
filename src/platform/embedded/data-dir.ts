import { fchownSync, statSync } from 'node:fs'
import { chmod, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isRoot } from './account.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'

/**
 * Makes the data directory where it is missing, and gives its real path. Run by root it can be passed through by the
 * user that PostgreSQL runs as (its files are protected one by one); otherwise it is the owner's alone.
 *
 * @throws EmbeddedPostgresError when it cannot be made, or belongs to somebody else
 */
export async function prepareDataDir(path: string): Promise<string> {
  const wanted = resolve(path)
  try {
    const made = await mkdir(wanted, { recursive: true, mode: isRoot() ? 0o711 : 0o700 })
    const { uid, mode } = await stat(wanted)
    refuseForeign(wanted, uid)
    // The umask may have taken from the mode; and whoever made the directory before may not have known of us.
    if (isRoot() && (made || (uid === 0 && (mode & 0o011) !== 0o011))) await chmod(wanted, mode | 0o711)
    return await realpath(wanted)
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    throw new EmbeddedPostgresError(`cannot use the data directory ${wanted}: ${messageOf(error)}`)
  }
}

/** Root may work in another user's data directory; what it writes there must stay usable for that user. */
export function giveToDirectoryOwner(file: number, path: string): void {
  if (!isRoot()) return
  const { uid, gid } = statSync(dirname(path))
  fchownSync(file, uid, gid)
}

function refuseForeign(path: string, owner: number): void {
  const self = process.getuid?.()
  if (isRoot() || owner === self) return
  throw new EmbeddedPostgresError(
    `the data directory ${path} belongs to another user (uid ${owner}, this is uid ${self}): ` +
      `run as that user, give it away (chown -R ${self} ${path}), or set TENANTRY_DATA_DIR to another directory`,
  )
}
