import { setTimeout as pause } from 'node:timers/promises'
import { type ApiCall, type ApiReply, call } from './api.ts'

const AGAIN_AFTER_MS = 20
/** Generous: a passing test needs a few tries. */
const TRIES = 500

/** A client as a careful product has one: what may be repeated is sent again, to the next server. */
export class RetryingClient {
  readonly #urls: readonly string[]
  #next = 0
  /** What was not the last word: the codes of answers, and `no answer`. */
  readonly retried: string[] = []
  answered = 0

  /** @param urls of servers on one core database */
  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  /** Sends a request that may be repeated until it is answered with something else than 503. */
  async send(request: Parameters<typeof call>[1], options: ApiCall): Promise<ApiReply> {
    for (let tries = 0; tries < TRIES; tries++) {
      const url = this.#urls[this.#next++ % this.#urls.length] ?? ''
      const reply = await call(url, request, options).catch(() => undefined)
      if (reply && reply.status !== 503) {
        this.answered++
        return reply
      }
      this.retried.push(reply ? String(reply.body.code) : 'no answer')
      await pause(AGAIN_AFTER_MS)
    }
    throw new Error(`${request}: no answer in ${TRIES} tries`)
  }
}
