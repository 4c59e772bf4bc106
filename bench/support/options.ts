import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Options {
  /** Names of the rows to measure. */
  readonly only: readonly string[]
  /** How often each pair is measured; `undefined` leaves it to the row. */
  readonly rounds: number | undefined
  /** Tenants of the fleet's run; `undefined` leaves it to the row. */
  readonly tenants: number | undefined
  /** Short trials that show that a row works, not how fast it is. */
  readonly quick: boolean
  /** Also the table of growing numbers of databases, which takes minutes. */
  readonly growth: boolean
}

/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * Reads the command line.
 *
 * @param known names of all rows, which are measured where `--only` chooses none; `--growth` alone chooses none of them
 * @throws UsageError
 */
export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const given = read(args)
  const rounds = wholeNumber('rounds', given.rounds)
  const tenants = wholeNumber('tenants', given.tenants)
  const { quick = false, growth = false } = given
  if (given.only === undefined) return { only: growth ? [] : known, rounds, tenants, quick, growth }
  const only = given.only.split(',').map((name) => name.trim())
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new UsageError(`--only knows no ${unknown.join(', ')}; the rows are ${known.join(', ')}`)
  return { only, rounds, tenants, quick, growth }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  const number = text === undefined ? undefined : Number(text)
  if (number !== undefined && !(Number.isInteger(number) && number >= 1))
    throw new UsageError(`--${name} takes a whole number from 1`)
  return number
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        tenants: { type: 'string' },
        quick: { type: 'boolean' },
        growth: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
