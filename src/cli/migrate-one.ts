import {
  filesToRevert,
  type Log,
  type Migration,
  type MigrationSet,
  type MigrationStatus,
  migrateDown,
  migrateUp,
  migrationHistory,
  migrationStatus,
} from '../migrations/index.ts'
import type { Connection } from '../platform/index.ts'
import { type CommandContext, requireConsent } from './context.ts'
import { type DownConsent, refuseDataLoss } from './data-loss.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { type Output, table } from './output.ts'

/** One database with the files that belong to it: the core, or one tenant's. */
export interface Target {
  readonly label: string
  readonly migrations: MigrationSet
  readonly connection: Connection
}

/** Where to stop; an absent one is left to the engine. */
export interface UpTo {
  readonly to?: string
}

export async function up({ output }: CommandContext, target: Target, upTo: UpTo): Promise<ExitCode> {
  const options = { ...upTo, log: tellOfDelays(output, target) }
  const { changed, notices } = await migrateUp(target.connection, target.migrations, options)
  for (const notice of notices) output.note(`${target.label}: ${notice}`)
  output.data(
    { database: target.label, applied: changed.map(briefly) },
    changed.length === 0 ? `${target.label}: up to date` : lines(target.label, 'applied', changed),
  )
  return EXIT.done
}

export async function down(
  context: CommandContext,
  target: Target,
  downTo: { readonly to: string } | { readonly steps: number },
  consent: DownConsent,
): Promise<ExitCode> {
  const { output } = context
  const { applied } = await migrationStatus(target.connection, target.migrations)
  refuseDataLoss(filesToRevert(target.migrations, applied, downTo), consent)
  const question = `This takes migrations of ${target.label} back and may lose data.`
  await requireConsent(context, consent.yes ?? false, question)
  const options = { ...downTo, log: tellOfDelays(output, target) }
  const { changed } = await migrateDown(target.connection, target.migrations, options)
  output.data(
    { database: target.label, reverted: changed.map(briefly) },
    changed.length === 0 ? `${target.label}: nothing to take back` : lines(target.label, 'reverted', changed),
  )
  return EXIT.done
}

/** File by file; exits 3 with `check` unless every file is applied and unchanged. */
export async function status({ output }: CommandContext, target: Target, check: boolean): Promise<ExitCode> {
  const found = await migrationStatus(target.connection, target.migrations)
  output.data(
    { database: target.label, current: found.current ?? null, migrations: found.migrations },
    table(
      ['VERSION', 'NAME', 'STATE', 'APPLIED AT'],
      found.migrations.map((row) => [row.version, row.name, row.state, row.appliedAt?.toISOString() ?? '']),
    ),
  )
  return check && !isClean(found) ? EXIT.notClean : EXIT.done
}

/** What was applied and taken back, oldest first. */
export async function history({ output }: CommandContext, target: Target): Promise<ExitCode> {
  const entries = await migrationHistory(target.connection)
  output.data(
    { database: target.label, history: entries },
    table(
      ['AT', 'DIRECTION', 'VERSION', 'NAME', 'MS'],
      entries.map((entry) => [
        entry.at.toISOString(),
        entry.direction,
        entry.version,
        entry.name,
        String(entry.durationMs),
      ]),
    ),
  )
  return EXIT.done
}

/** What `up` would run. */
export async function preview({ output }: CommandContext, target: Target, { to }: UpTo): Promise<ExitCode> {
  const { migrations: rows } = await migrationStatus(target.connection, target.migrations)
  const isPending = (file: Migration) =>
    rows.some((row) => row.version === file.version && row.state === 'pending') &&
    (to === undefined || file.version <= to)
  const pending = target.migrations.files.filter(isPending)
  output.data(
    { database: target.label, pending: pending.map((file) => ({ ...briefly(file), sql: file.up.sql })) },
    pending.length === 0
      ? `${target.label}: up to date`
      : pending.map((file) => `-- ${file.version} ${file.name}\n${file.up.sql.trim()}`).join('\n\n'),
  )
  return EXIT.done
}

/** Half a minute of silence, while somebody else holds a lock, looks like a hang. */
function tellOfDelays({ note }: Output, { label }: Target): Log {
  return ({ kind, message }) => {
    if (kind === 'waiting' || kind === 'retrying') note(`${label}: ${message}`)
  }
}

function isClean({ migrations }: MigrationStatus): boolean {
  return migrations.every((row) => row.state === 'applied')
}

function briefly({ version, name }: { version: string; name: string }) {
  return { version, name }
}

function lines(label: string, verb: string, done: readonly { version: string; name: string }[]): string {
  return done.map(({ version, name }) => `${label}: ${verb} ${version} ${name}`).join('\n')
}
