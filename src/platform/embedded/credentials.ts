import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { giveToDirectoryOwner } from './data-dir.ts'
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts'

/** The secrets of one data directory, and the database directory that they belong to. */
export interface Credentials {
  /** Of PostgreSQL's superuser `postgres`. */
  readonly superuserPassword: string
  /** Of the platform's role `tenantry`. */
  readonly rolePassword: string
  /** The guard proves itself with it. */
  readonly guardKey: string
  readonly directory: string
}

/** The platform's role, and the database that it owns. */
export const PLATFORM_ROLE = 'tenantry'

const pathIn = (dataDir: string) => join(dataDir, 'postgres-credentials.json')

/**
 * Reads the credentials, or gives `undefined` where none were made yet.
 *
 * @throws EmbeddedPostgresError when the file cannot be read or is damaged
 */
export async function readCredentials(dataDir: string): Promise<Credentials | undefined> {
  const path = pathIn(dataDir)
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Credentials
    const complete = value.superuserPassword && value.rolePassword && value.guardKey && value.directory
    if (!complete) throw new Error('it is not complete')
    return value
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new EmbeddedPostgresError(`cannot read the credentials in ${path}: ${messageOf(error)}`)
  }
}

/** Makes random credentials for a database directory that is about to be made, and writes them where only we read. */
export async function createCredentials(dataDir: string, directory: string): Promise<Credentials> {
  const secret = () => randomBytes(24).toString('base64url')
  const credentials: Credentials = {
    superuserPassword: secret(),
    rolePassword: secret(),
    guardKey: secret(),
    directory,
  }
  const path = pathIn(dataDir)
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    giveToDirectoryOwner(file.fd, temporary)
    await file.writeFile(`${JSON.stringify(credentials, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  return credentials
}

/** The connection URL of the platform's role. */
export function roleUrl(credentials: Credentials, port: number): string {
  return `postgres://${PLATFORM_ROLE}:${credentials.rolePassword}@127.0.0.1:${port}/${PLATFORM_ROLE}`
}

/** The superuser's connection URL. */
export function superuserUrl(credentials: Credentials, port: number): string {
  return `postgres://postgres:${credentials.superuserPassword}@127.0.0.1:${port}/postgres`
}
