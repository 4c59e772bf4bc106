import type { ColumnDefinition } from './column-definition.ts'
import type { ColumnType } from './column-type.ts'

/** A table, and a column of it, by their labels: `notes`, `app.notes`. */
interface OfTable {
  readonly table: string
}
interface OfColumn extends OfTable {
  readonly column: string
}

/** Kinds of constraints, as SQL says them. */
export type ConstraintType = 'check' | 'unique' | 'primary key' | 'foreign key' | 'exclude' | 'not null'

/** What ALTER TABLE … ADD CONSTRAINT says. */
export interface AddedConstraint extends OfTable {
  readonly type: ConstraintType
  /** Absent where the server chooses it. */
  readonly name: string | undefined
  /** Whether the rows that are there are looked at: neither NOT VALID nor NOT ENFORCED. */
  readonly checksRows: boolean
  readonly usesIndex: boolean
  /** The column that it keeps from being NULL, and nothing else; absent for every other constraint. */
  readonly notNullColumn: string | undefined
}

/** What a kind of change says besides where it stands. */
interface Details {
  'create-table': OfTable & {
    readonly columns: readonly ColumnDefinition[]
    readonly isTemporary: boolean
    readonly mayExist: boolean
  }
  'add-column': OfTable & { readonly column: ColumnDefinition; readonly mayExist: boolean }
  'drop-column': OfColumn
  'alter-type': OfColumn & { readonly type: ColumnType; readonly using: string | undefined }
  'set-not-null': OfColumn
  'add-constraint': AddedConstraint
  'validate-constraint': OfTable & { readonly name: string }
  'drop-constraint': OfTable & { readonly name: string }
  /** Another schema is another name. */
  'rename-table': OfTable & { readonly to: string }
  'rename-column': OfColumn & { readonly to: string }
  /** Writes every row anew; no table where it is all of them. */
  'rewrite-table': { readonly table: string | undefined; readonly by: string }
  'create-index': OfTable & {
    readonly name: string | undefined
    readonly isConcurrent: boolean
    /** ON ONLY: the index of a partitioned table, without those of its partitions. */
    readonly isOnly: boolean
  }
  'drop-index': { readonly index: string; readonly isConcurrent: boolean }
  reindex: { readonly isConcurrent: boolean }
  refresh: { readonly table: string; readonly isConcurrent: boolean }
  /** DROP of anything but an index. */
  drop: {
    /** `table`, `schema`, `materialized view`, …, in small letters. */
    readonly object: string
    readonly name: string
    readonly isCascading: boolean
  }
  'drop-attribute': { readonly type: string; readonly attribute: string }
  truncate: OfTable
  /** Rows are changed or deleted, also by INSERT … ON CONFLICT, by MERGE, and inside of WITH. */
  write: OfTable & {
    readonly verb: 'update' | 'delete'
    /** What UPDATE sets; empty where that cannot be told. */
    readonly columns: readonly string[]
    readonly isBounded: boolean
  }
  lock: OfTable
  /** What no transaction may contain, where no other kind says so. */
  alone: { readonly what: string }
  /** Statements that cannot be seen. */
  hidden: { readonly what: string }
  /** What may give the names after it another meaning, such as SET search_path. */
  context: object
}

/** Every kind of change that is told apart. */
export type ChangeKind = keyof Details

interface Placed<Kind extends ChangeKind> {
  readonly kind: Kind
  /** Where it begins in the statement, in UTF-16 units. */
  readonly at: number
}

/** A change of one kind, or of one of several. */
export type ChangeOf<Kind extends ChangeKind> = Kind extends ChangeKind ? Details[Kind] & Placed<Kind> : never

/** One of the things that a statement does to a database; an ALTER TABLE may do several. */
export type Change = ChangeOf<ChangeKind>
