import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileProblem, MigrationFileError } from './errors.ts'
import type { Migration, MigrationSet } from './migration.ts'
import { parseMigration, sha256 } from './parse.ts'

/** The dump of the resulting schema lies beside the files that lead to it. */
const SCHEMA_DUMP = 'schema.sql'

/**
 * Reads a directory of migration files. `schema.sql` and whatever does not end in `.sql` is left alone.
 *
 * @throws MigrationFileError with every problem of every file: wrong name, bad date, duplicate version,
 *   missing or doubled markers, an empty up part, text before it, unterminated quotes, transaction control
 */
export async function readMigrations(directory: string): Promise<MigrationSet> {
  const { files, problems } = await readEach(directory)
  if (problems.length > 0) throw new MigrationFileError(problems)
  return migrationSet(files)
}

/** What a directory holds: the files that can be read, oldest first, and what is wrong with the others. */
export interface ReadFiles {
  readonly files: readonly Migration[]
  readonly problems: readonly FileProblem[]
}

/** Reads a directory as `readMigrations` does, but does not let one file hide the others. */
export async function readEach(directory: string): Promise<ReadFiles> {
  const fileNames = (await readdir(directory)).filter(isMigrationLike).sort()
  const contents = await Promise.all(fileNames.map((fileName) => readFile(join(directory, fileName))))
  const files: Migration[] = []
  const problems: FileProblem[] = []
  for (const [index, fileName] of fileNames.entries()) {
    try {
      files.push(parseMigration(fileName, decode(fileName, contents[index])))
    } catch (error) {
      if (!(error instanceof MigrationFileError)) throw error
      problems.push(...error.problems)
    }
  }
  return { files, problems: [...problems, ...duplicates(files)] }
}

/** Makes a set of files that are sorted already. */
export function migrationSet(files: readonly Migration[]): MigrationSet {
  const lines = files.map(({ fileName, checksum }) => `${checksum} ${fileName}\n`)
  return Object.freeze({
    files: Object.freeze([...files]),
    latest: files.at(-1)?.version,
    checksum: sha256(lines.join('')),
  })
}

/**
 * Any case and any name: a file that nearly is a migration must not be skipped in silence. Editors' dot files
 * may.
 */
function isMigrationLike(fileName: string): boolean {
  return /\.sql$/i.test(fileName) && !fileName.startsWith('.') && fileName !== SCHEMA_DUMP
}

function decode(fileName: string, content: Uint8Array | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw new MigrationFileError([{ fileName, line: 1, reason: 'the file is not UTF-8' }])
  }
}

function duplicates(files: readonly Migration[]): FileProblem[] {
  const seen = new Map<string, string>()
  const problems: FileProblem[] = []
  for (const { version, fileName } of files) {
    const first = seen.get(version)
    if (first) problems.push({ fileName, line: 1, reason: `${first} has the same version ${version}` })
    seen.set(version, fileName)
  }
  return problems
}
