import { SqlReader } from '../sql-reader.ts'
import { type ColumnType, readColumnType } from './column-type.ts'

/** A column as CREATE TABLE and ADD COLUMN define it. */
export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  readonly isNotNull: boolean
  /** What each row gets, identity and serial included; absent for none, and for NULL. */
  readonly filling: Filling | undefined
  readonly isUnique: boolean
  readonly hasCheck: boolean
  readonly isForeignKey: boolean
}

/** `same`: one value for all rows, kept once. `each`: one for each row, which takes a new copy of the table. */
export type Filling = 'same' | 'each'

const CONSTRAINT_WORDS = new Set([
  ...['collate', 'constraint', 'not', 'null', 'check', 'default', 'generated', 'unique', 'primary'],
  ...['references', 'deferrable', 'initially', 'storage', 'compression', 'no', 'enforced'],
])

/** Nothing of these is volatile; what is not listed may be. */
const STEADY = new Set([
  ...['now', 'current_timestamp', 'current_time', 'localtimestamp', 'localtime', 'current_setting', 'row'],
  ...['transaction_timestamp', 'statement_timestamp', 'date_trunc', 'timezone', 'to_timestamp', 'to_date'],
  ...['make_date', 'make_interval', 'make_timestamptz', 'to_char', 'lower', 'upper', 'concat', 'md5'],
  ...['sha256', 'encode', 'decode', 'coalesce', 'nullif', 'greatest', 'least', 'cast', 'abs', 'round'],
  ...['json_build_object', 'jsonb_build_object', 'json_build_array', 'jsonb_build_array', 'to_jsonb'],
  ...['timestamp', 'timestamptz', 'time', 'interval', 'numeric', 'decimal', 'varchar', 'char', 'bit'],
])

type Marks = Pick<ColumnDefinition, 'isNotNull' | 'isUnique' | 'hasCheck' | 'isForeignKey'>

const NO_MARKS: Marks = { isNotNull: false, isUnique: false, hasCheck: false, isForeignKey: false }

/** What a constraint of a column says of it, by the words that begin it. */
const MARKS: readonly (readonly [words: readonly string[], marks: Partial<Marks>])[] = [
  [['not', 'null'], { isNotNull: true }],
  [['primary', 'key'], { isUnique: true, isNotNull: true }],
  [['unique'], { isUnique: true }],
  [['check'], { hasCheck: true }],
  [['references'], { isForeignKey: true }],
]

/** Reads a column's definition to its end; nothing where it does not begin with a name. */
export function readColumnDefinition(reader: SqlReader): ColumnDefinition | undefined {
  const name = reader.part()
  if (name === undefined) return undefined
  const type = readColumnType(reader.until(CONSTRAINT_WORDS))
  let marks = NO_MARKS
  let filling: Filling | undefined = /^(small|big)?serial\d?$/.test(type.base) ? 'each' : undefined
  while (!reader.isAtEnd) {
    const [, more] = MARKS.find(([words]) => reader.take(...words)) ?? []
    if (more) marks = { ...marks, ...more }
    else filling = fillingAt(reader) ?? filling
    // Of what follows, `SET NULL` and the like belong to no constraint of the column.
    reader.until(CONSTRAINT_WORDS)
  }
  return { ...marks, name, type, filling }
}

function fillingAt(reader: SqlReader): Filling | undefined {
  if (reader.take('default')) return fillingOf(reader.until(CONSTRAINT_WORDS))
  if (reader.take('generated')) return generated(reader)
  reader.skip()
  return undefined
}

/** A stored column and an identity are computed for each row when they are added; a virtual one is not. */
function generated(reader: SqlReader): Filling | undefined {
  if (!reader.take('always')) reader.take('by', 'default')
  const expression = reader.until(CONSTRAINT_WORDS)
  return expression.has('stored') || expression.has('identity') ? 'each' : undefined
}

function fillingOf(expression: SqlReader): Filling | undefined {
  // DEFAULT NULL is read as a default of no words, because NULL is a constraint's word too.
  if (expression.isAtEnd) return undefined
  const { tokens } = expression
  const isVolatile = tokens.some(({ text }, index) => {
    if (tokens[index + 1]?.text !== '(') return false
    const called = new SqlReader([{ text, start: 0, end: 0 }]).part()
    return called !== undefined && !isTypeAt(expression, index) && !STEADY.has(called)
  })
  return isVolatile ? 'each' : 'same'
}

/** `'x'::varchar(10)` and `cast('x' AS varchar(10))` call nothing. */
function isTypeAt({ tokens }: SqlReader, index: number): boolean {
  const before = tokens[index - 1]?.text.toLowerCase()
  return before === ':' || before === 'as'
}
