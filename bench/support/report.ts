import { cpus } from 'node:os'
import { meetsFloor, type Row } from './statistics.ts'

/** Prints the rows as a table and as JSON. */
export function printReport(rows: readonly Row[]): void {
  console.table(
    rows.map((row) => ({
      measurement: row.name,
      ours: `${round(row.measured)} ${row.unit}`,
      baseline: `${round(row.baseline)} ${row.unit}`,
      ratio: round(row.ratio),
      floor: `${row.floor.compare} ${row.floor.value}`,
      met: meetsFloor(row) ? 'yes' : 'no',
      rounds: row.rounds,
    })),
  )
  console.log(JSON.stringify({ node: process.version, cpus: cpus().length, rows }))
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
