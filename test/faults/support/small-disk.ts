import { spawnSync } from 'node:child_process'
import { chownSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { serverAccount } from '../../acceptance/support/external-postgres.ts'

/** A file system of a few megabytes in memory, which PostgreSQL may write to. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes all the room that is left. */
  fill(): void
  /** Gives it back. */
  clear(): void
}

const BLOCK = Buffer.alloc(4096)

/** Mounts one at `path`; `undefined` where this user may not mount anything. */
export function mountSmallDisk(path: string, megabytes: number): SmallDisk | undefined {
  mkdirSync(path)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  if (mounted.status !== 0) return undefined
  const account = serverAccount()
  if (account) chownSync(path, account.uid, account.gid)
  const filler = join(path, 'filler')
  return {
    path,
    fill: () => writeUntilFull(filler),
    clear: () => rmSync(filler),
    [Symbol.dispose]: () => void spawnSync('umount', ['--lazy', path]),
  }
}

function writeUntilFull(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    for (;;) writeSync(descriptor, BLOCK)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(descriptor)
  }
}
