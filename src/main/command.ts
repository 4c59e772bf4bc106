import { text } from 'node:stream/consumers'
import { confirm, isCancel } from '@clack/prompts'
import { EXIT, runCommandLine } from '../cli/index.ts'
import { readEnvironment } from '../config.ts'
import { VERSION } from '../platform/index.ts'
import { serve } from './serve.ts'

const terminal = process.stdin.isTTY === true && process.stderr.isTTY === true

// The reader of a pipe may have read enough, as `head` does: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const exitCode = await runCommandLine(process.argv.slice(2), {
  env: readEnvironment(),
  stdout: process.stdout,
  stderr: process.stderr,
  readInput: () => text(process.stdin),
  version: VERSION,
  terminal,
  serve,
  interrupted,
  ...(terminal && { confirm: ask }),
})

// Everything is closed by now. A socket to a server that does not answer any more must not keep the process.
process.exit(exitCode)

/** The first interrupt asks for an orderly end; a second one is obeyed at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted)
      controller.abort()
    })
  }
  return controller.signal
}

async function ask(question: string): Promise<boolean> {
  const answer = await confirm({ message: `${question} Go on?`, initialValue: false, output: process.stderr })
  return !isCancel(answer) && answer
}
