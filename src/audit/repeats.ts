import { LRUCache } from 'lru-cache'
import { type Clock, type Logger, runDetached } from '../platform/index.ts'
import type { AuditEntry } from './catalogue.ts'
import { recordAttempt } from './record.ts'
import type { AnyExecutor } from './store.ts'

/** Records what somebody may do as often as he likes, without letting him fill the log. */
export interface Repeats {
  /**
   * Notes one more attempt. The first of a minute is recorded, and then the 10th, the 100th and so on. Nobody waits for
   * it: the answer must not tell by its time whether there was something to record.
   *
   * @param key what is counted together: in most cases whose account it is, and where
   * @param entry gets how many there were in this minute, in this process
   */
  note(db: AnyExecutor, key: string, entry: (attempts: number) => AuditEntry): void
  /** Waits for what is being recorded: at shutdown, and in tests. */
  settle(): Promise<void>
}

const WINDOW_MS = 60_000
/** Of each process. Who is forgotten is recorded once too often. */
const MAX_KEYS = 10_000

/** Counts in this process's memory, one count for each key. */
export function createRepeats({ clock, log }: { readonly clock: Clock; readonly log: Logger }): Repeats {
  const counts = new LRUCache<string, { window: number; attempts: number }>({ max: MAX_KEYS })
  const running = new Set<Promise<void>>()

  const count = (key: string): number => {
    const window = Math.floor(clock.now().getTime() / WINDOW_MS)
    const known = counts.get(key)
    const attempts = known?.window === window ? known.attempts + 1 : 1
    counts.set(key, { window, attempts })
    return attempts
  }

  return {
    note: (db, key, entry) => {
      const attempts = count(key)
      if (!isPowerOfTen(attempts)) return
      const recorded = runDetached(() => recordAttempt(db, entry(attempts)))
        .catch((error) => log.error({ err: error }, 'a failed attempt could not be recorded'))
        .finally(() => running.delete(recorded))
      running.add(recorded)
    },
    settle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}

function isPowerOfTen(count: number): boolean {
  return /^10*$/.test(String(count))
}
