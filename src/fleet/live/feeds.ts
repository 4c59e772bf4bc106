import type { Id } from '../../platform/index.ts'
import { type FeedOptions, type Listener, RunFeed, type Subscription } from './feed.ts'

/** The feeds of this process: one for each run that somebody watches. */
export class RunFeeds {
  readonly #feeds = new Map<Id, RunFeed>()
  readonly #options: FeedOptions

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Like `RunFeed.join`, for any run. */
  join(runId: Id, listener: Listener): Promise<Subscription | undefined> {
    const feed = this.#feeds.get(runId) ?? this.#open(runId)
    return feed.join(listener)
  }

  #open(runId: Id): RunFeed {
    const feed: RunFeed = new RunFeed(runId, this.#options, () => {
      if (this.#feeds.get(runId) === feed) this.#feeds.delete(runId)
    })
    this.#feeds.set(runId, feed)
    return feed
  }
}
