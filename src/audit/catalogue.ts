import type { Id } from '../platform/index.ts'
import type { ACTOR_KINDS, OUTCOMES } from './tables.ts'

export type ActorKind = (typeof ACTOR_KINDS)[number]
export type Outcome = (typeof OUTCOMES)[number]

/** What a detail may be. Free text is not among them for a reason: a `word` is one that the program chose. */
interface DetailValues {
  readonly number: number
  readonly flag: boolean
  readonly word: string
  /** Names that the program chose, such as those of fields, never their values. */
  readonly words: readonly string[]
}

export type DetailKind = keyof DetailValues

/** Actions by name, and of each the details that an entry may hold: everything else is left out. */
export type AuditActions = Readonly<Record<`${string}.${string}`, Readonly<Record<string, DetailKind>>>>

/** Of an action without details none pass: TypeScript takes anything for an empty object. */
type DetailsOf<Allowed> = [keyof Allowed] extends [never]
  ? Readonly<Record<string, never>>
  : {
      readonly [Name in keyof Allowed]?: Allowed[Name] extends DetailKind
        ? DetailValues[Allowed[Name]]
        : never
    }

export interface Actor {
  readonly kind: ActorKind
  /** Null where nobody has a name: operators, the system, strangers. */
  readonly id?: Id | null
  /** Who acts under the actor's name. */
  readonly actedBy?: Id | null
}

export interface Target {
  readonly kind: string
  readonly id: string
}

interface EntryParts<Details> {
  readonly actor: Actor
  readonly target?: Target
  /** Default: success. */
  readonly outcome?: Outcome
  readonly details?: Details
}

const FROM_CATALOGUE = Symbol('from a catalogue')

/** Something to be recorded. Only a catalogue makes one, so that no detail passes that its action does not list. */
export interface AuditEntry extends EntryParts<Readonly<Record<string, unknown>>> {
  readonly action: string
  readonly [FROM_CATALOGUE]: true
}

/** Makes entries of a catalogue's actions. */
export type MakeEntry<Actions extends AuditActions> = <Name extends keyof Actions & string>(
  action: Name,
  parts: EntryParts<DetailsOf<Actions[Name]>>,
) => AuditEntry

/**
 * Declares the actions of a feature: `const noteAudit = auditCatalogue({ 'note.shared': { readers: 'number' } })`, then
 * `recordAudit(tx, noteAudit('note.shared', { actor, target, details: { readers: 3 } }))`.
 */
export function auditCatalogue<const Actions extends AuditActions>(actions: Actions): MakeEntry<Actions> {
  return (action, { details = {}, ...parts }) => ({
    ...parts,
    action,
    details: allowedDetails(details, actions[action] ?? {}),
    [FROM_CATALOGUE]: true,
  })
}

const WORD = /^[\w.:-]{1,64}$/

/** How a value of each kind looks. A type alone would not stop a value that came from elsewhere. */
const IS: Readonly<Record<DetailKind, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  flag: (value) => typeof value === 'boolean',
  word: isWord,
  words: (value) => Array.isArray(value) && value.length <= 32 && value.every(isWord),
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && WORD.test(value)
}

function allowedDetails(details: object, allowed: Readonly<Record<string, DetailKind>>) {
  const given = Object.entries(details)
  return Object.fromEntries(
    given.filter(([name, value]) => {
      const kind = Object.hasOwn(allowed, name) ? allowed[name] : undefined
      return kind !== undefined && IS[kind](value)
    }),
  )
}
