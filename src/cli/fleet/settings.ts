import type { RunSettings } from '../../fleet/index.ts'
import { UsageError } from '../context.ts'

/** How a run is to go, as the command line gives it. */
export interface FleetFlags {
  readonly canary?: string
  readonly wave?: string
  readonly concurrency?: string
  readonly perServer?: string
  readonly abortAfter?: string
}

/**
 * Reads how a run is to go.
 *
 * @throws UsageError
 */
export function readSettings(flags: FleetFlags): Partial<RunSettings> {
  const { canary, wave, concurrency, perServer, abortAfter } = flags
  return {
    ...(canary !== undefined && { canary: whole('--canary', canary, 0) }),
    ...(wave !== undefined && { wave: share('--wave', wave) }),
    ...(concurrency !== undefined && {
      concurrency: whole('--concurrency', concurrency, 1),
      // One number is meant for all servers as long as nothing else is said.
      perServer: whole('--concurrency', concurrency, 1),
    }),
    ...(perServer !== undefined && { perServer: whole('--per-server', perServer, 1) }),
    ...(abortAfter !== undefined && {
      abortAfter: abortAfter.endsWith('%')
        ? { share: share('--abort-after', abortAfter) }
        : { count: whole('--abort-after', abortAfter, 1) },
    }),
  }
}

function whole(flag: string, text: string, least: number): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least)
    throw new UsageError(`${flag} takes a whole number from ${least}, not "${text}".`)
  return Number(text)
}

function share(flag: string, text: string): number {
  const percent = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text)?.[1]
  const value = Number(percent) / 100
  if (!(value > 0 && value <= 1))
    throw new UsageError(`${flag} takes a share such as 5%, above 0% and up to 100%, not "${text}".`)
  return value
}
