import { closeSync, constants, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { giveToDirectoryOwner } from './data-dir.ts'

const ROTATE_ABOVE_BYTES = 10 * 1024 * 1024
const TAIL_BYTES = 4_096
const TAIL_LINES = 12

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Opens a log to append to, readable by nobody else; one that has grown large becomes `.1`, in place of the one
 * before it.
 *
 * @throws Error when the file cannot be opened, or is a link to elsewhere
 */
export function openLog(path: string): number {
  if (sizeOf(path) > ROTATE_ABOVE_BYTES) renameSync(path, `${path}.1`)
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600)
  giveToDirectoryOwner(file, path)
  return file
}

/** The size of a log that may not exist. */
export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}

/** The last lines of a log, of what was written from the offset `since` on. */
export function logTail(path: string, since = 0): string {
  try {
    const size = sizeOf(path)
    const buffer = Buffer.alloc(Math.min(TAIL_BYTES, Math.max(0, size - since)))
    const file = openSync(path, 'r')
    try {
      const length = readSync(file, buffer, 0, buffer.length, size - buffer.length)
      return buffer.toString('utf8', 0, length).trim().split('\n').slice(-TAIL_LINES).join('\n')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** One clear line, followed by what the log says. */
export function withLog(line: string, path: string, since = 0): string {
  const tail = logTail(path, since)
  return tail ? `${line}; its log (${path}) ends with:\n${tail}` : line
}
