import { spawn } from 'node:child_process'
import { childOptions } from './account.ts'
import type { Cluster } from './cluster.ts'

/** Reads until the guard says a word, or is gone: then PostgreSQL gets its fast shutdown. */
const SCRIPT = 'read -r word || kill -INT "$1"'

/**
 * Ties a server to this process: when this process ends without a word, even by SIGKILL, a waiting shell sees its
 * input close and stops the server. (The kernel's parent-death signal would need a helper program, and cannot be set
 * for a server that was adopted.)
 *
 * @returns unties them, for when the server has ended
 */
export function tieToThisProcess(pid: number, cluster: Cluster): () => void {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'tenantry-postgres-watcher', String(pid)], {
    ...childOptions(cluster.account),
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell the server is merely found and adopted by the next guard.
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  return () => shell.stdin.end('end\n')
}
