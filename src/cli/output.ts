/** Where a command writes: data to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean
  /** The command's result: `value` as JSON with --json, otherwise `text`. */
  data(value: unknown, text: string): void
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
      else if (text !== '') stdout.write(`${text}\n`)
    },
    note: (message) => stderr.write(`${message}\n`),
  }
}

/** Lines up rows under their headings, for a terminal as for `awk`. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
