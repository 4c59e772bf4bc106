/** Lines shown before the failing one. */
const LINES_BEFORE = 2
/** Longest part of a line that is shown. */
const WIDTH = 100

/** Something is wrong at one place of a text; `offset` counts UTF-16 units from 0. */
export class TextError extends Error {
  override readonly name = 'TextError'
  readonly offset: number

  constructor(offset: number, reason: string) {
    super(reason)
    this.offset = offset
  }
}

/** The line, counted from 1, that holds the UTF-16 offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

/** Turns a position as PostgreSQL counts it (characters, from 1) into a UTF-16 offset. */
export function offsetOfPosition(text: string, position: number): number {
  let offset = 0
  for (let character = 1; character < position && offset < text.length; character++) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  }
  return offset
}

/**
 * Shows a place in a text for a person: up to two lines before it, its line, and a caret under it.
 *
 * @param offset UTF-16 offset of the place
 */
export function excerptAt(text: string, offset: number): string {
  const line = lineAt(text, offset)
  const column = offset - (text.slice(0, offset).lastIndexOf('\n') + 1)
  // A long line is cut around the place, or the caret would stand outside of any window.
  const from = Math.max(0, column - WIDTH + 20)
  const first = Math.max(1, line - LINES_BEFORE)
  const gutter = String(line).length
  const shown = text.split('\n').slice(first - 1, line)
  const numbered = shown.map((content, index) => {
    const start = first + index === line ? from : 0
    // A tab is wider than the one column that the caret's line counts for it.
    const visible = content.slice(start, start + WIDTH).replaceAll('\t', ' ')
    return `${String(first + index).padStart(gutter)} | ${visible}`.trimEnd()
  })
  const before = [...(shown.at(-1) ?? '').slice(from, column)].length
  return [...numbered, `${' '.repeat(gutter)} | ${' '.repeat(before)}^`].join('\n')
}
