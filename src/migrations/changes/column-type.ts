import type { SqlReader } from '../sql-reader.ts'

/** A column's type under its usual short name, as far as the text tells. */
export interface ColumnType {
  /** `varchar`, `timestamp with time zone`, `text[]`; a type in another schema is `app mood` */
  readonly base: string
  /** What stands in parentheses: a length, or precision and scale. */
  readonly limits: readonly number[]
}

const SHORT: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  character: 'char',
  'bit varying': 'varbit',
  int: 'integer',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  decimal: 'numeric',
  bool: 'boolean',
  float4: 'real',
  float8: 'double precision',
  timestamptz: 'timestamp with time zone',
  'timestamp without time zone': 'timestamp',
  timetz: 'time with time zone',
  'time without time zone': 'time',
}

/** Reads a type to the end of what it is given. */
export function readColumnType(reader: SqlReader): ColumnType {
  const words: string[] = []
  const limits: number[] = []
  let arrays = ''
  while (!reader.isAtEnd) {
    const group = reader.group()
    if (group) limits.push(...group.list().map((item) => Number(item.rest())))
    else if (reader.take('[')) arrays = '[]'
    else {
      words.push(reader.part() ?? '')
      if (words.at(-1) === '') reader.skip()
    }
  }
  const name = words.filter((word) => word !== '' && word !== 'pg_catalog' && !/^\d+$/.test(word)).join(' ')
  return { base: (SHORT[name] ?? name) + arrays, limits }
}

const IN_FRACTIONS = /^(time|timestamp|interval)\b/

/**
 * Says whether PostgreSQL changes the type without writing the table anew or reading it.
 *
 * @see https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
 */
export function isFreeWidening(from: ColumnType, to: ColumnType): boolean {
  const [limit, scale = 0] = to.limits
  const [oldLimit = 0, oldScale = 0] = from.limits
  if (isText(from) && isText(to)) {
    return limit === undefined || (from.limits.length > 0 && limit >= oldLimit)
  }
  if (from.base === 'cidr' && to.base === 'inet') return true
  if (from.base !== to.base) return false
  const isSame = from.limits.join() === to.limits.join()
  if (to.base === 'numeric')
    return (
      isSame || limit === undefined || (limit >= oldLimit && scale === oldScale && from.limits.length > 0)
    )
  if (to.base === 'varbit' || IN_FRACTIONS.test(to.base)) {
    return isSame || limit === undefined || (from.limits.length > 0 && limit >= oldLimit)
  }
  return isSame
}

/** Says whether values may be rounded or cut, without an error, on their way into this type. */
export function mayRound({ base, limits }: ColumnType): boolean {
  if (['smallint', 'integer', 'real', 'date'].includes(base) || /^time( |$)/.test(base)) return true
  return limits.length > 0 && (base === 'numeric' || base === 'float' || IN_FRACTIONS.test(base))
}

function isText({ base }: ColumnType): boolean {
  return base === 'varchar' || base === 'text'
}
