import type { Change, ChangeKind, ChangeOf } from '../changes/change.ts'
import type { Direction } from '../migration.ts'
import type { Facts } from './facts.ts'

/** Where a change stands. */
export interface Place {
  readonly direction: Direction
  /** Whether its file runs in a transaction. */
  readonly transaction: boolean
  /** What the changes before it have made. */
  readonly facts: Facts
}

/** What is said of a finding. */
export interface Advice {
  /** Stable: permissions name it. */
  readonly code: string
  /** What it does to those who use the database meanwhile. */
  readonly why: string
  /** The safer way, with SQL as an example. */
  readonly better: string
}

/** One thing to warn of. */
export interface Rule {
  readonly code: string
  /** What it says of a change; nothing when the change is fine. */
  judge(change: Change, place: Place): Advice | undefined
}

/** What a rule is made of. */
interface RuleParts<Kind extends ChangeKind> {
  readonly code: string
  /** The kinds of changes that it looks at. */
  readonly on: readonly Kind[]
  readonly why: string
  readonly better: string | ((change: ChangeOf<Kind>) => string)
  /** Says whether to warn; default: always. */
  readonly when?: (change: ChangeOf<Kind>, place: Place) => boolean
  /** Whether the way back is left alone. It takes away, on purpose, what the way up has made. */
  readonly onlyUp?: boolean
  /** Whether it holds for what this file has made too, and for the first file of a tree. */
  readonly always?: boolean
}

/** A rule that also knows whether it holds where nothing is live yet. */
export interface MadeRule extends Rule {
  readonly always: boolean
}

/** Makes a rule; it lets everything pass that is done to what the same file has made. */
export function rule<Kind extends ChangeKind>(parts: RuleParts<Kind>): MadeRule {
  const { code, why, better, always = false, onlyUp = false, when = () => true } = parts
  const isMine = (change: Change): change is Change & ChangeOf<Kind> =>
    (parts.on as readonly ChangeKind[]).includes(change.kind)
  return {
    code,
    always,
    judge: (change, place) => {
      if (!isMine(change) || (onlyUp && place.direction === 'down')) return undefined
      if (!always && isOwn(change, place.facts)) return undefined
      if (!when(change, place)) return undefined
      return { code, why, better: typeof better === 'string' ? better : better(change) }
    },
  }
}

function isOwn(change: Change, facts: Facts): boolean {
  if (change.kind === 'drop') return facts.isOwn(change.name)
  if (change.kind === 'drop-index') return facts.isOwn(change.index)
  return 'table' in change && change.table !== undefined && facts.isOwn(change.table)
}
