import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  EVENT_STREAM,
  type EventStream,
  type Guard,
  type HttpServer,
  httpErrors,
  openEventStream,
  responses,
} from '../../http/index.ts'
import type { Clock, Id, Logger } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { RunParams } from '../schemas.ts'
import type { Subscription } from './feed.ts'
import { RunFeeds } from './feeds.ts'
import { Reader, readCursor, turnEvents, writeCursor } from './reader.ts'
import { endedTurns } from './store.ts'
import { settled } from './turn-log.ts'

/** How often a run that is watched is looked at; the defaults are those of production. */
export interface LiveTimes {
  /** Milliseconds between two looks; 1000 by default. */
  readonly everyMs?: number
  /** After so many milliseconds without a sign of life a run counts as interrupted for good; 5000 by default. */
  readonly silenceMs?: number
}

export interface LiveRouteOptions {
  readonly core: CoreDb
  readonly adminGuard: Guard<{ readonly expiresAt: Date }>
  readonly clock: Clock
  readonly log: Logger
  readonly times?: LiveTimes
}

const DESCRIPTION = `\
Server-sent events. \`progress\` has the run as \`listRuns\` shows it, with \`tenants_per_second\` and \`seconds_left\` (null
where not known): at once, and whenever it changed. \`tenant\` has a tenant as \`getRun\` shows it, when its turn is over.
\`end\` is like \`progress\`, when the run has ended or its process died; then the stream ends, and there is no need to come
again.

With \`Last-Event-ID\` it goes on where another stream broke off; some \`tenant\` events may come twice. Without it, it begins
now: open it first and read the run then, and nothing is missed. A client that reads too slowly is cut off, and may come
again. The stream ends with the access token, with its session, and with the right to operate the platform.`

const LiveHeaders = Type.Object({
  'Last-Event-ID': Type.Optional(
    Type.String({ description: 'The id of the last event that was received; anything else counts as none.' }),
  ),
})

/** A run as it goes on, for those who operate the platform. */
export function liveRoute(server: HttpServer, path: string, options: LiveRouteOptions): void {
  const { core, adminGuard, clock, log, times } = options
  const now = () => clock.now().getTime()
  const feeds = new RunFeeds({ core, log, now, everyMs: 1_000, silenceMs: 5_000, ...times })

  function open(request: FastifyRequest, reply: Parameters<typeof openEventStream>[2]): EventStream {
    const lifeMs = adminGuard.admitted(request).expiresAt.getTime() - now()
    return openEventStream(server, request, reply, { guard: adminGuard, lifeMs })
  }

  server.get(
    path,
    {
      onRequest: adminGuard.onRequest,
      config: { produces: [EVENT_STREAM] },
      // There would be no end to wait for.
      exposeHeadRoute: false,
      schema: {
        tags: ['admin'],
        operationId: 'watchRun',
        summary: 'One run as it goes on',
        description: DESCRIPTION,
        produces: [EVENT_STREAM],
        params: RunParams,
        headers: LiveHeaders,
        response: responses({ 200: Type.String({ description: 'Server-sent events.' }) }, [
          httpErrors.notFound,
        ]),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const reader = new Reader()
      // Before the answer begins: whoever has heard that it did, and reads the run then, misses nothing.
      const subscription = await feeds.join(id, reader.hear)
      if (!subscription) throw httpErrors.notFound({ detail: 'There is no such run.' })
      try {
        const stream = open(request, reply)
        stream.onClose(subscription.leave)
        const last = readCursor(request.raw.headers['last-event-id'])
        void tell(core, id, stream, subscription, last).then(() => reader.begin(stream))
      } catch (error) {
        subscription.leave()
        throw error
      }
      return reply
    },
  )
}

/** Writes where the run stands, and what somebody missed who was here before. */
async function tell(
  core: CoreDb,
  runId: Id,
  stream: EventStream,
  { progress, cursor }: Subscription,
  last: Date | undefined,
): Promise<void> {
  // Whoever breaks off before the rest begins there again.
  stream.send({ event: 'progress', id: writeCursor(last ?? cursor), data: progress })
  if (!last) return
  try {
    for await (const turns of endedTurns(core, runId, settled(last))) {
      stream.send(...turnEvents(turns))
      await stream.drained()
      if (!stream.isOpen) return
    }
  } catch {
    // The core database is away; the client comes again.
    stream.end()
  }
}
