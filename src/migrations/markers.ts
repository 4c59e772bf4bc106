import type { Direction } from './migration.ts'
import { TextError } from './text-position.ts'

/** A line that begins one part of a file. */
export interface Marker {
  readonly direction: Direction
  /** `false` when the line says `transaction:false`. */
  readonly transaction: boolean
  /** Offset of the line. */
  readonly start: number
  /** Offset behind the line. */
  readonly end: number
}

/**
 * dbmate's convention. Anything else that looks like a marker is a slip that would hide half of a file.
 * @see https://github.com/amacneil/dbmate#creating-migrations
 */
const MARKER = /^--[ \t]*migrate:(?<direction>up|down)(?:[ \t]+(?<options>.*))?$/
const NEARLY_MARKER = /^[ \t]*--[ \t]*migrate[ \t]*:/i

/**
 * Finds the markers of a file: one `up`, then at most one `down`.
 *
 * @throws TextError for a marker that is missing, doubled, misspelt or in the wrong order, or an unknown
 *   option
 */
export function findMarkers(text: string): { readonly up: Marker; readonly down: Marker | undefined } {
  const markers: Marker[] = []
  let start = 0
  for (const line of text.split('\n')) {
    const end = Math.min(start + line.length + 1, text.length)
    const { direction, options = '' } = MARKER.exec(line)?.groups ?? {}
    if (direction === 'up' || direction === 'down') {
      assertInOrder(direction, markers, start)
      markers.push({ direction, transaction: wantsTransaction(options, start), start, end })
    } else if (NEARLY_MARKER.test(line)) {
      throw new TextError(
        start,
        'not a marker: write "-- migrate:up" or "-- migrate:down", nothing before it',
      )
    }
    start = end
  }
  const [up, down] = markers
  if (!up) throw new TextError(0, 'there is no line "-- migrate:up"')
  return { up, down }
}

function assertInOrder(direction: Direction, before: readonly Marker[], offset: number): void {
  if (before.some((marker) => marker.direction === direction)) {
    throw new TextError(offset, `there are two lines "-- migrate:${direction}"`)
  }
  if (direction === 'down' && before.length === 0) {
    throw new TextError(offset, '"-- migrate:down" must come after "-- migrate:up"')
  }
  if (direction === 'up' && before.length > 0) {
    throw new TextError(offset, '"-- migrate:up" must come before "-- migrate:down"')
  }
}

function wantsTransaction(options: string, offset: number): boolean {
  let transaction = true
  for (const option of options.split(/\s+/).filter((word) => word !== '')) {
    if (option !== 'transaction:false' && option !== 'transaction:true') {
      throw new TextError(offset, `unknown option "${option}": there is only transaction:false`)
    }
    transaction = option === 'transaction:true'
  }
  return transaction
}
