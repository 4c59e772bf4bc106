import type { Platform } from '../compose.ts'

/** The work in the background, while it runs. */
export interface Worker {
  /** Takes up nothing more, and waits for what is being done. May be called again. */
  stop(): Promise<void>
}

/**
 * Starts what no request waits for. Any number of processes may do so on one core database; a claim in the database
 * decides who of them does a thing. A process without it still makes its own requests' organizations.
 */
export function startWorker({ tenancy, keys, throttle }: Platform): Worker {
  const workers = [tenancy.worker, keys.worker, throttle.worker]
  for (const worker of workers) worker.start()
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
    },
  }
}
