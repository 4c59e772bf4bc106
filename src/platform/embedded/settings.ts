import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'

const DEFAULTS: Readonly<Record<string, string>> = {
  max_connections: '200',
  shared_buffers: '128MB',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
}

/** For tests only: several times faster, and a power cut destroys the data. */
const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
}

/** The arguments of the `postgres` program; what the launcher itself relies on cannot be changed by settings. */
export function serverArguments(cluster: Cluster, port: number): string[] {
  const settings = {
    ...DEFAULTS,
    ...(cluster.durable ? {} : NOT_DURABLE),
    ...cluster.settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    // DETAIL of a refused row is the row, with all that people wrote into it.
    log_error_verbosity: 'terse',
    // After a crash, one system call instead of opening each of a hundred thousand files.
    recovery_init_sync_method: 'syncfs',
    cluster_name: clusterName(cluster.directory),
    update_process_title: 'on',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', cluster.directory, ...flags]
}

/** Stands in the title of every process of the server, by which its leftovers are known. */
export function clusterName(directory: string): string {
  return `tenantry-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`
}

/** The port of the last start, which PostgreSQL notes: taking it again keeps connection strings valid. */
export function lastPort(directory: string): number | undefined {
  try {
    const port = /"port=(\d+)"/.exec(readFileSync(join(directory, 'postmaster.opts'), 'utf8'))?.[1]
    return port === undefined ? undefined : Number(port)
  } catch {
    return undefined
  }
}
