import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../statistics.ts'
import { HttpConnection, requestBytes } from './connection.ts'
import type { Plan, PlanResult, Stream, StreamResult } from './plan.ts'
import { seededRandom, zipf } from './random.ts'

const ZIPF_EXPONENT = 1.1
/** Stands for the status of a request that was due and never sent. */
const OVERDUE = -1

interface Tally {
  readonly latencies: number[]
  readonly statuses: Record<string, number>
}

/** Plays a plan from this process and gives what each of its streams met with. */
export async function play({ seconds, seed, streams }: Plan): Promise<PlanResult> {
  const results = Object.entries(streams).map(
    async ([name, stream], index) => [name, await playStream(stream, seconds, seed + index)] as const,
  )
  return Object.fromEntries(await Promise.all(results))
}

async function playStream(stream: Stream, seconds: number, seed: number): Promise<StreamResult> {
  const requests = stream.targets.map(({ url, headers }) => requestBytes(url, headers))
  const draw = zipf(requests.length, ZIPF_EXPONENT, seededRandom(seed))
  const tally: Tally = { latencies: [], statuses: {} }
  const startedAt = performance.now()
  let turn = 0
  const client = async (number: number): Promise<void> => {
    const connection = new HttpConnection(stream.targets[0]?.url ?? '')
    const choose = { zipf: draw, own: () => number, turns: () => turn++ }[stream.choice]
    const next = () => requests[choose() % requests.length] as Buffer
    // Paced clients begin spread over their interval.
    const firstAt = startedAt + ((stream.everyMs ?? 0) * number) / stream.clients
    await playClient({ connection, next, firstAt, endAt: startedAt + seconds * 1_000, stream, tally })
    connection.close()
  }
  await Promise.all(Array.from({ length: stream.clients }, (_, number) => client(number)))
  const { latencies, statuses } = tally
  return {
    requestsPerSecond: (statuses[200] ?? 0) / ((performance.now() - startedAt) / 1_000),
    p50: latencies.length > 0 ? quantile(latencies, 0.5) : Number.NaN,
    p99: latencies.length > 0 ? quantile(latencies, 0.99) : Number.NaN,
    statuses,
  }
}

interface Client {
  readonly connection: HttpConnection
  readonly next: () => Buffer
  /** When its first request is due, and after which none is: as `performance.now()` tells time. */
  readonly firstAt: number
  readonly endAt: number
  readonly stream: Stream
  readonly tally: Tally
}

async function playClient({ connection, next, firstAt, endAt, stream, tally }: Client): Promise<void> {
  for (let dueAt = firstAt; dueAt < endAt; dueAt = nextDue(dueAt, stream)) {
    const wait = dueAt - performance.now()
    if (wait > 0) await sleep(wait)
    // A late request counts from when it was due, or a server that stalls would be asked less and look better; for the
    // same reason those that the end overtook count with what they have waited so far.
    const status = performance.now() < endAt ? await connection.ask(next()) : OVERDUE
    if (status !== OVERDUE) tally.statuses[status] = (tally.statuses[status] ?? 0) + 1
    if (status === 200 || status === OVERDUE) tally.latencies.push(performance.now() - dueAt)
  }
}

function nextDue(dueAt: number, { everyMs }: Stream): number {
  return everyMs === undefined ? performance.now() : dueAt + everyMs
}
