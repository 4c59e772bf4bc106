import type { EventStream, ServerEvent } from '../../http/index.ts'
import { presentRunTenant } from '../schemas.ts'
import type { News } from './feed.ts'
import type { EndedTurn } from './store.ts'

/** Writes a feed's news to one client. They are held back until the client has all that comes before them. */
export class Reader {
  #stream: EventStream | undefined
  #held: News[] = []

  /** What the feed calls. */
  readonly hear = (news: News): void => {
    if (this.#stream) write(this.#stream, news)
    else this.#held.push(news)
  }

  /** From now on all goes to the stream, what was held back first. */
  begin(stream: EventStream): void {
    this.#stream = stream
    for (const news of this.#held) write(stream, news)
    this.#held = []
  }
}

/** The events of turns that are over. */
export function turnEvents(turns: readonly EndedTurn[]): ServerEvent[] {
  return turns.map((turn) => ({
    event: 'tenant',
    id: writeCursor(turn.finishedAt),
    data: presentRunTenant(turn),
  }))
}

/** Reads `Last-Event-ID`; `undefined` unless it is an id of ours: an event stream does not argue with its clients. */
export function readCursor(text: unknown): Date | undefined {
  return typeof text === 'string' && /^\d{1,13}$/.test(text) ? new Date(Number(text)) : undefined
}

/** The id of an event: milliseconds since 1970, by the clock of the core database. */
export function writeCursor(cursor: Date): string {
  return String(cursor.getTime())
}

function write(stream: EventStream, news: News): void {
  if (news.kind === 'turns') {
    stream.send(...turnEvents(news.turns))
    return
  }
  stream.send({ event: news.kind, id: writeCursor(news.cursor), data: news.progress })
  if (news.kind === 'end') stream.end()
}
