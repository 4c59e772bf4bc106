/** The part of drizzle-kit's model of a database that is read here; everything else passes through. */
export interface Snapshot {
  tables: Record<string, Table>
  views: Record<string, unknown>
  enums: Record<string, unknown>
  schemas: Record<string, unknown>
  sequences: Record<string, unknown>
  roles: Record<string, unknown>
  policies: Record<string, unknown>
}

export interface Table {
  name: string
  /** Empty for `public`. */
  schema: string
  columns: Record<string, Column>
  indexes: Record<string, Index>
  foreignKeys: Record<string, ForeignKey>
  compositePrimaryKeys: Record<string, ColumnList>
  uniqueConstraints: Record<string, ColumnList>
  checkConstraints: Record<string, Check>
  policies: Record<string, unknown>
}

export interface Column {
  name: string
  primaryKey: boolean
  /** `name` is that of the sequence behind it. */
  identity?: { name: string }
}

export interface Index {
  name: string
  columns: { expression: string; isExpression: boolean }[]
  where?: string
  concurrently?: boolean
}

export interface ForeignKey {
  name: string
  tableFrom: string
  columnsFrom: string[]
  tableTo: string
  /** Absent or empty for `public`. */
  schemaTo?: string
  columnsTo: string[]
}

/** A primary key of several columns, or a unique constraint. */
export interface ColumnList {
  name: string
  columns: string[]
}

export interface Check {
  name: string
  value: string
}

/** A table's key in `Snapshot.tables`. */
export function tableKey({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return `${schema || 'public'}.${name}`
}

/** How a person writes a table: with its schema unless that is `public`. */
export function tableLabel({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return schema === '' ? name : `${schema}.${name}`
}

/** A table in SQL, quoted as drizzle-kit does it. */
export function tableSql({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return schema === '' ? `"${name}"` : `"${schema}"."${name}"`
}

/** The entries of `one` whose keys `other` does not have. */
export function missingFrom<Value>(
  one: Readonly<Record<string, Value>>,
  other: Readonly<Record<string, unknown>>,
): [string, Value][] {
  return Object.entries(one).filter(([key]) => !Object.hasOwn(other, key))
}

/** A copy without the entries that `isGone` picks. */
export function without<Value>(
  entries: Readonly<Record<string, Value>>,
  isGone: (key: string, value: Value) => boolean,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries).filter(([key, value]) => !isGone(key, value)))
}

/** A copy with every value replaced. */
export function mapValues<Value, Mapped>(
  entries: Readonly<Record<string, Value>>,
  change: (value: Value, key: string) => Mapped,
): Record<string, Mapped> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, change(value, key)]))
}
