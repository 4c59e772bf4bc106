import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MIN_LENGTH = 32

/**
 * The secret of a development installation: made at the first start, kept in `<dataDir>/secret` (mode 0600), read ever
 * after.
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret')
  await mkdir(dataDir, { recursive: true })
  const draft = join(dataDir, `.secret-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    // Whole or not at all: of two first starts one links its draft, and both read the same secret.
    await link(draft, path)
  } catch (error) {
    if (!isExisting(error)) throw error
  } finally {
    await rm(draft, { force: true })
  }
  const secret = (await readFile(path, 'utf8')).trim()
  if (secret.length < MIN_LENGTH)
    throw new Error(`${path} holds no secret. Restore it, or remove it in a new installation.`)
  return secret
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
