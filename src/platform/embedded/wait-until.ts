import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 10

/**
 * Asks `probe` again and again until it gives a value that is neither `undefined` nor `false`.
 *
 * @returns that value, or `undefined` when `limitMs` have passed without one
 */
export async function waitUntil<T>(
  probe: () => T | Promise<T>,
  limitMs: number,
): Promise<Exclude<T, undefined | false> | undefined> {
  const end = performance.now() + limitMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>
    if (performance.now() > end) return undefined
    await sleep(EVERY_MS)
  }
}
