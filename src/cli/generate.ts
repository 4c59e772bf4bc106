import { basename } from 'node:path'
import { MIGRATIONS } from '../compose.ts'
import { generateMigration, lintMigrations } from '../migrations/index.ts'
import type { Clock } from '../platform/index.ts'
import type { CommandContext } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { inWords } from './lint.ts'
import { MODELS } from './models.ts'

export interface GenerateOptions {
  readonly name: string
  readonly rename: readonly string[]
  readonly drop: readonly string[]
}

/** Writes the migration that leads from the last generated models to today's, for a person to review. */
export async function generate(
  { output }: CommandContext,
  tree: 'core' | 'tenant',
  { name, rename, drop }: GenerateOptions,
  clock: Clock,
): Promise<ExitCode> {
  const path = await generateMigration({
    directory: MIGRATIONS[tree],
    models: MODELS[tree],
    name,
    now: clock.now(),
    renames: rename,
    drops: drop,
  })
  output.data(
    { path: path ?? null },
    path ?? `${tree}: the models and the last migration agree; nothing was written`,
  )
  if (path === undefined) return EXIT.done
  const { findings } = await lintMigrations(MIGRATIONS[tree], [basename(path)])
  for (const finding of findings) output.note(`${inWords(MIGRATIONS[tree], finding)}\n`)
  output.note('Review it, above all what it drops, before you apply it.')
  return EXIT.done
}
