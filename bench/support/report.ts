import { type Bound, meets, type Row } from './row.ts'

/** One line as the table shows it: texts under the names of their columns. */
export function tableLine(row: Row): Record<string, string | number> {
  return {
    measurement: row.name,
    against: row.against,
    ours: figure(row.measured, row.unit),
    baseline: row.baseline === undefined ? '' : figure(row.baseline, row.unit),
    ratio: row.ratio === undefined ? '' : round(row.ratio),
    'at least': verdict(row, row.atLeast),
    aim: verdict(row, row.aim),
    rounds: row.rounds,
  }
}

/** Prints rows as a table under a title, and below it their notes. */
export function printTable(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`)
  console.table(rows.map(tableLine))
  for (const { name, note } of rows) if (note !== undefined) console.log(`${name}: ${note}`)
}

function verdict(row: Row, bound: Bound | undefined): string {
  if (bound === undefined) return ''
  const unit = row.ratio === undefined ? ` ${row.unit}` : 'x'
  return `${bound.compare} ${bound.value}${unit}: ${meets(row, bound) ? 'met' : 'NOT MET'}`
}

function figure(value: number, unit: string): string {
  return `${round(value)} ${unit}`
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
