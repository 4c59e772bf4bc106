import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, accountForRoot, isRoot, runAs } from './account.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import {
  ownerOf,
  ownerOfDataDir,
  refuseMoved,
  refuseOtherMajor,
  refuseUnreachable,
  setAside,
} from './existing-database.ts'
import { completePrograms, copyPrograms, type Programs, programPath } from './programs.ts'

/** Where one database lies and who runs it. */
export interface Placement {
  readonly programs: Programs
  readonly account: Account | undefined
  /** PostgreSQL's own data directory. */
  readonly directory: string
  readonly credentials: Credentials
}

/** For root: what the user that PostgreSQL runs as cannot reach elsewhere lies here. */
const STATE_ROOT = '/var/lib/tenantry'

/**
 * Decides where the database of `dataDir` lies: inside it, or, where root's files cannot be reached by the user that
 * PostgreSQL runs as, in a state directory. A database that exists stays where it is.
 *
 * @param note told when something lies where nobody would look for it
 * @throws EmbeddedPostgresError when there is no place, or what is there must not be touched
 */
export async function choosePlacement(
  dataDir: string,
  found: Programs,
  known: Credentials | undefined,
  note: (message: string) => void,
): Promise<Placement> {
  const name = `postgres-${found.major}`
  const inside = join(dataDir, name)
  await refuseOtherMajor(dataDir, found.major)
  if (!isRoot()) {
    const programs = await completePrograms(found, join(dataDir, `postgres-programs-${found.version}`))
    const credentials = await credentialsFor(dataDir, inside, known)
    return { programs, account: undefined, directory: inside, credentials }
  }
  const stateDir = join(STATE_ROOT, createHash('sha256').update(dataDir).digest('hex').slice(0, 12))
  const outside = join(stateDir, name)
  if (known) await refuseOtherMajor(stateDir, found.major)
  else if (existsSync(outside)) await setAside(outside, note)
  const existing = [inside, outside].find((directory) => existsSync(directory))
  if (!existing) refuseMoved(known, STATE_ROOT, outside)
  const account = existing
    ? await ownerOf(existing)
    : ((await ownerOfDataDir(dataDir)) ?? (await accountForRoot()))
  const directory = existing ?? ((await canMakeFiles(account, dataDir)) ? inside : outside)
  if (existing) await refuseUnreachable(account, existing)
  if (directory === outside) {
    await makeOpenDirectory(stateDir)
    note(`PostgreSQL's files lie in ${outside}, because the user ${account.name} cannot use ${dataDir}`)
  }
  const programs = await programsFor(account, found)
  return { programs, account, directory, credentials: await credentialsFor(dataDir, directory, known) }
}

async function credentialsFor(
  dataDir: string,
  directory: string,
  known: Credentials | undefined,
): Promise<Credentials> {
  if (!existsSync(directory)) return createCredentials(dataDir, directory)
  if (known) return known
  throw new EmbeddedPostgresError(
    `the credentials of the database in ${directory} are missing: ` +
      `put postgres-credentials.json back into ${dataDir}, or move ${directory} away to begin with an empty database`,
  )
}

/** Tries it, because mode bits do not tell everything (access lists, file systems without owners). */
async function canMakeFiles(account: Account, directory: string): Promise<boolean> {
  try {
    const probe = await mkdtemp(join(directory, '.probe-'))
    try {
      await chown(probe, account.uid, account.gid)
      return (await runAs(account, '/bin/sh', ['-c', 'cd "$1" && : > file', 'sh', probe])).ok
    } finally {
      await rm(probe, { recursive: true, force: true })
    }
  } catch {
    return false
  }
}

async function programsFor(account: Account, found: Programs): Promise<Programs> {
  const copyRoot = join(STATE_ROOT, `postgres-${found.version}`)
  const runs = (programs: Programs) => runAs(account, programPath(programs, 'postgres'), ['--version'])
  const programs = await completePrograms(found, copyRoot)
  if ((await runs(programs)).ok) return programs
  const copied = await copyPrograms(found, copyRoot)
  const { ok, output } = await runs(copied)
  if (ok) return copied
  throw new EmbeddedPostgresError(`cannot run PostgreSQL as user ${account.name}: ${output}`)
}

async function makeOpenDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
    await chmod(path, 0o711)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `cannot make ${path} for PostgreSQL's files: ${messageOf(error)}; ` +
        'set TENANTRY_DATA_DIR to a directory that ordinary users can reach',
    )
  }
}
