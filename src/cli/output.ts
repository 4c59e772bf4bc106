/** Where a command writes: data to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean
  /** The command's result: `value` as JSON with --json, otherwise `text`. */
  data(value: unknown, text: string): void
  /** Lines of JSON, written as they are: what could move a terminal's cursor is escaped in them. */
  lines(text: string): void
  /** For a person who watches; never part of the data. */
  note(message: string): void
}

/** A stream that takes text, such as `process.stdout`. */
export interface TextSink {
  write(text: string): unknown
}

export function createOutput(stdout: TextSink, stderr: TextSink, json: boolean): Output {
  return {
    json,
    data: (value, text) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`)
      else if (text !== '') stdout.write(`${printable(text)}\n`)
    },
    lines: (text) => void stdout.write(text),
    note: (message) => stderr.write(`${printable(message)}\n`),
  }
}

/** Lines up rows under their headings (none: rows alone), for a terminal as for `awk`. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = headings.length > 0 ? [headings, ...rows] : rows
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One line for each field: its name in words, and its value. */
export function fieldList(fields: object): string {
  const rows = Object.entries(fields).map(([name, value]) => [`${name.replaceAll('_', ' ')}:`, cell(value)])
  return table([], rows)
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value).replaceAll(/\s+/g, ' ')
}

/** Names come from customers: what would move the cursor, colour the terminal or turn the text around is shown as �. */
function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}
