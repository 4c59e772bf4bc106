import { setTimeout as pause } from 'node:timers/promises'

const ASK_EVERY_MS = 20

type Falsy = false | 0 | '' | null | undefined

/**
 * Asks until the answer is truthy, and gives it.
 *
 * @param what completes the sentence "waited in vain for …"
 * @param withinMs generous, because machines are slow when they are busy: a passing test never gets there
 * @param evidence told when the time is over
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Answer | Promise<Answer>,
  { withinMs = 20_000, evidence = () => '' }: { withinMs?: number; evidence?: () => string } = {},
): Promise<Exclude<Answer, Falsy>> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<Answer, Falsy>
    if (performance.now() > deadline) {
      throw new Error(`waited in vain for ${what}, ${withinMs} ms long\n${evidence()}`)
    }
    await pause(ASK_EVERY_MS)
  }
}
