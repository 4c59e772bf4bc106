/** What one client asks for. */
export interface Target {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Clients that behave alike. */
export interface Stream {
  readonly clients: number
  readonly targets: readonly Target[]
  /**
   * `zipf`: each request goes to a target drawn with the exponent 1.1. `own`: client n stays with target n, counted
   * round and round. `turns`: each request goes to the next target, whichever client sends it.
   */
  readonly choice: 'zipf' | 'own' | 'turns'
  /** Milliseconds between one client's requests; without it the next follows the answer at once. */
  readonly everyMs?: number
}

/** What the load generator is to do. */
export interface Plan {
  readonly seconds: number
  readonly seed: number
  /** By name. */
  readonly streams: Readonly<Record<string, Stream>>
}

/** What one stream met with. */
export interface StreamResult {
  readonly requestsPerSecond: number
  /** Answers of 200 only, in milliseconds; of paced clients from when the request was due. */
  readonly p50: number
  readonly p99: number
  /** How many answers there were of each status; 0 stands for none at all. */
  readonly statuses: Readonly<Record<string, number>>
}

export type PlanResult = Readonly<Record<string, StreamResult>>

/** How many requests were not answered with 200. */
export function failures({ statuses }: StreamResult): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0)
}
