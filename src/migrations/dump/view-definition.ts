import { type Token, tokensOf } from '../sql-tokens.ts'

/** What may follow the FROM clause of a query. */
const AFTER_FROM = new Set([
  'where',
  'group',
  'having',
  'window',
  'order',
  'limit',
  'offset',
  'fetch',
  'for',
  ';',
])
const SET_OPERATIONS = new Set(['union', 'intersect', 'except'])
const QUERY_WORDS = new Set(['select', 'with', 'values'])

/** A token that stands in the view's own query, not in one of its subqueries. */
interface OuterToken extends Token {
  /** How many parentheses are open around it. */
  readonly depth: number
}

/**
 * Writes a view's query as PostgreSQL 16 and later do: where it reads from one relation only, its columns
 * stand without the relation's name. Until 15 the server kept hidden relations in every view, which made it
 * write the name always.
 *
 * @param definition what pg_get_viewdef() returned
 */
export function viewDefinition(definition: string): string {
  const tokens = outerTokens(definition)
  const from = onlyRelation(tokens)
  if (!from) return definition
  let text = ''
  let copied = 0
  for (const [index, token] of tokens.entries()) {
    const dot = tokens[index + 1]
    const column = tokens[index + 2]
    const isQualifier = token.text === from.name && dot?.text === '.' && column && isName(column)
    const isInFrom = token.start >= from.start && token.start < from.end
    // `x.f(` calls a function of a schema that happens to have the relation's name, `::x.t` names its type.
    const isOther =
      tokens[index + 3]?.text === '(' || tokens[index - 1]?.text === ':' || tokens[index - 1]?.text === '.'
    if (!isQualifier || isInFrom || isOther) continue
    text += definition.slice(copied, token.start)
    copied = column.start
  }
  return text + definition.slice(copied)
}

function isName({ text }: Token): boolean {
  return /^[\w"\u0080-\uffff]/.test(text)
}

/** Leaves out what stands in parentheses that begin a subquery. */
function outerTokens(definition: string): OuterToken[] {
  const outer: OuterToken[] = []
  const isSubquery: boolean[] = []
  const all = [...tokensOf(definition)]
  for (const [index, token] of all.entries()) {
    if (token.text === ')') isSubquery.pop()
    if (!isSubquery.includes(true)) outer.push({ ...token, depth: isSubquery.length })
    if (token.text === '(') isSubquery.push(QUERY_WORDS.has(all[index + 1]?.text.toLowerCase() ?? ''))
  }
  return outer
}

/**
 * The one relation of a query and where its FROM clause stands; `undefined` when there are none or several.
 */
function onlyRelation(
  tokens: readonly OuterToken[],
): { name: string; start: number; end: number } | undefined {
  const top = tokens.filter(({ depth, text }) => depth === 0 && text !== ')')
  if (top.some(({ text }) => SET_OPERATIONS.has(text.toLowerCase()))) return undefined
  const from = top.findIndex(({ text }) => text.toLowerCase() === 'from')
  if (from < 0) return undefined
  const after = top.findIndex(({ text }, index) => index > from && AFTER_FROM.has(text.toLowerCase()))
  const clause = top.slice(from + 1, after < 0 ? undefined : after)
  const last = clause.findLast(isName)
  // A join is printed in parentheses: then nothing is left here but them.
  if (!last || clause.some(({ text }) => text === ',' || text.toLowerCase() === 'join')) return undefined
  return { name: last.text, start: top[from]?.start ?? 0, end: top[after]?.start ?? Number.POSITIVE_INFINITY }
}
