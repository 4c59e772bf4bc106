import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { printMigration } from '../migration.ts'
import { parseMigration } from '../parse.ts'
import { difference } from './difference.ts'
import { GenerateOptionError } from './errors.ts'
import { loadKit, type Models, snapshotOf } from './kit.ts'
import type { Snapshot } from './snapshot.ts'

const SNAPSHOT = 'snapshot.json'
/** With version and draft around it, a file's name must stay below the 255 bytes of most file systems. */
const NAME = /^[a-z0-9_]{1,100}$/

export interface GenerateOptions {
  /** Where the migration files and `snapshot.json` are; made when missing. */
  readonly directory: string
  /** The exports of the modules that hold the models (Drizzle's `pgTable`, `pgEnum`, …). */
  readonly models: Models
  /** `[a-z0-9_]{1,100}` */
  readonly name: string
  /** Becomes the version, in UTC; moved behind the newest file when it is not later. */
  readonly now: Date
  /** `table.old=new`, `old_table=new_table`; names outside of `public` with their schema. Default: none. */
  readonly renames?: readonly string[] | undefined
  /**
   * `table.column` or `table` that go although something new beside them could be their new name. Default:
   * none.
   */
  readonly drops?: readonly string[] | undefined
}

/**
 * Writes the migration from the models of the last generation (`snapshot.json`) to today's, up and down, for
 * a person to review, and the new snapshot. Asks nothing.
 *
 * @returns the path of the new file, or `undefined` when nothing has changed
 * @throws RenameDecisionNeeded when something could be a rename and no flag says so
 * @throws GenerateOptionError for a bad name and for flags that match nothing
 */
export async function generateMigration(options: GenerateOptions): Promise<string | undefined> {
  const { directory, name } = options
  if (!NAME.test(name)) {
    throw new GenerateOptionError(`--name ${name}: use a-z, 0-9 and _ only, 100 characters at most`)
  }
  await mkdir(directory, { recursive: true })
  const kit = await loadKit()
  const after = snapshotOf(kit, options.models)
  const before = (await readSnapshot(directory)) ?? snapshotOf(kit, {})
  assertNothingConcurrent(after)
  const parts = await difference(kit, before, after, {
    renames: options.renames ?? [],
    drops: options.drops ?? [],
  })
  if (parts.up.length === 0) return undefined

  const fileName = `${await nextVersion(directory, options.now)}_${name}.sql`
  const text = printMigration({ up: { sql: parts.up.join('\n\n') }, down: { sql: parts.down.join('\n\n') } })
  // What the engine would refuse must not be written.
  parseMigration(fileName, text)
  await writeAtomically(directory, fileName, text)
  await writeAtomically(directory, SNAPSHOT, `${JSON.stringify(after, null, 2)}\n`)
  return join(directory, fileName)
}

async function readSnapshot(directory: string): Promise<Snapshot | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, SNAPSHOT), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    if (!(error instanceof SyntaxError)) throw error
    // Two branches that both generated: neither's model is the last one any more.
    throw new GenerateOptionError(
      `${join(directory, SNAPSHOT)} is not JSON; after a merge, take one side's snapshot, ` +
        "delete the other side's file, and generate that again",
      { cause: error },
    )
  }
}

/**
 * CREATE INDEX CONCURRENTLY cannot share a transaction with anything, so it cannot be a part of a generated
 * file.
 */
function assertNothingConcurrent({ tables }: Snapshot): void {
  const index = Object.values(tables)
    .flatMap((table) => Object.values(table.indexes))
    .find(({ concurrently }) => concurrently)
  if (!index) return
  throw new GenerateOptionError(
    `index ${index.name}: leave .concurrently() out of the model, and build the index by hand before, ` +
      'in a migration of its own with transaction:false and IF NOT EXISTS',
  )
}

/** The time as a version, or the second after the newest file where that is later. */
async function nextVersion(directory: string, now: Date): Promise<string> {
  const versions = (await readdir(directory)).flatMap(
    (fileName) => /^(\d{14})_.*\.sql$/.exec(fileName)?.[1] ?? [],
  )
  const newest = versions.sort().at(-1)
  const wanted = versionOf(now)
  if (newest === undefined || newest < wanted) return wanted
  const time = newest.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z')
  return versionOf(new Date(Date.parse(time) + 1_000))
}

function versionOf(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/\D/g, '')
}

/** Nobody ever sees half a file. The name of the draft does not end in .sql, so that it is no migration. */
async function writeAtomically(directory: string, fileName: string, text: string): Promise<void> {
  const draft = join(directory, `.${fileName}.${process.pid}.draft`)
  try {
    await writeFile(draft, text, { flag: 'wx' })
    await rename(draft, join(directory, fileName))
  } finally {
    await rm(draft, { force: true })
  }
}
