import type { Cluster } from './cluster.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { freePort } from './free-port.ts'
import { withLog } from './log-file.ts'
import { preparePlatformRole } from './platform-role.ts'
import {
  findPostmaster,
  type Postmaster,
  StartFailure,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { endLeftovers } from './processes.ts'
import { lastPort } from './settings.ts'
import { tieToThisProcess } from './watcher.ts'

/** A server that takes connections and ends with this process. */
export interface Server {
  readonly port: number
  /** Settles when it is gone, whatever the reason. */
  readonly exited: Promise<void>
  stop(): Promise<void>
}

const START_TRIES = 5

/** Another program took the port in the meantime, or the server before this one is not quite gone. */
const WORTH_ANOTHER_TRY =
  /Address already in use|could not create any TCP|pre-existing shared memory|lock file/

/**
 * Brings the server of a database up: one that lives is adopted, else one is started, on its last port where that is
 * free. The platform's role and database are there when it returns.
 *
 * @throws EmbeddedPostgresError with the end of the log
 */
export async function openServer(cluster: Cluster): Promise<Server> {
  const postmaster = (await findPostmaster(cluster.directory)) ?? (await start(cluster))
  const untie = tieToThisProcess(postmaster.pid, cluster)
  void postmaster.exited.then(untie)
  const stop = () => stopPostmaster(postmaster, cluster.directory)
  try {
    await preparePlatformRole(cluster.credentials, postmaster.port)
  } catch (error) {
    await stop()
    throw new EmbeddedPostgresError(
      withLog(`PostgreSQL started but could not be prepared: ${messageOf(error)}`, cluster.logFile),
    )
  }
  return { port: postmaster.port, exited: postmaster.exited, stop }
}

async function start(cluster: Cluster): Promise<Postmaster> {
  for (let tries = 1; ; tries++) {
    await endLeftovers(cluster.directory)
    try {
      return await startPostmaster(
        cluster,
        await freePort(tries === 1 ? lastPort(cluster.directory) : undefined),
      )
    } catch (error) {
      const again = error instanceof StartFailure && WORTH_ANOTHER_TRY.test(error.log)
      if (!again || tries >= START_TRIES) throw error
    }
  }
}
