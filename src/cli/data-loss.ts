import { dataLossOf, type Migration } from '../migrations/index.ts'
import { UsageError } from './context.ts'

/** How a command that takes migrations back is allowed to go on. */
export interface DownConsent {
  readonly yes?: boolean
  readonly allowDataLoss?: boolean
}

/**
 * Names what taking these files back destroys, and lets it happen only where that was said to be meant.
 *
 * @throws UsageError
 */
export function refuseDataLoss(files: readonly Migration[], { allowDataLoss = false }: DownConsent): void {
  const losses = files.flatMap(({ fileName, down }) =>
    (down ? dataLossOf(down) : []).map(({ line, what }) => `${what} (${fileName}:${line})`),
  )
  if (losses.length === 0 || allowDataLoss) return
  throw new UsageError(`This loses ${losses.join(', ')}. If that is meant, repeat it with --allow-data-loss.`)
}
