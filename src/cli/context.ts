import type { Config, Environment } from '../config.ts'
import type { ExitCode } from './exit-codes.ts'
import type { ProgressOptions } from './fleet/progress.ts'
import type { Output } from './output.ts'

/** What every command gets. */
export interface CommandContext {
  readonly config: Config
  /** For programs that a command starts; whoever wants a setting finds it in `config`. */
  readonly env: Environment
  readonly output: Output
  /** Asks a person; `undefined` where there is no terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined
  /** All of standard input, for what must not stand in an argument. */
  readonly readInput: (() => Promise<string>) | undefined
  /** From its first call on an interrupt (Ctrl-C, SIGTERM) does not end the process: it aborts this signal. */
  readonly interrupted: () => AbortSignal
  /** Where and how to show how far something is. */
  readonly progressOn: ProgressOptions
}

/** Runs a command with what it needs and remembers how it ended. */
export type Run = (work: (context: CommandContext) => Promise<ExitCode>) => Promise<void>

/** The command was called in a way that makes no sense; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A person said no. */
export class DeclinedError extends Error {
  override readonly name = 'DeclinedError'
}

/**
 * Lets a destructive command go on: with --yes, or when a person says so.
 *
 * @throws UsageError without a terminal and --yes; DeclinedError when the answer is no
 */
export async function requireConsent(context: CommandContext, yes: boolean, question: string): Promise<void> {
  if (yes) return
  requireVoice(context, yes, question)
  if (!(await context.confirm?.(question))) throw new DeclinedError('Nothing was changed.')
}

/**
 * Says at once, before anything is opened, that nobody could be asked.
 *
 * @throws UsageError without a terminal and --yes
 */
export function requireVoice({ confirm }: CommandContext, yes: boolean, question: string): void {
  if (!yes && !confirm) throw new UsageError(`${question} Without a terminal this needs --yes.`)
}
