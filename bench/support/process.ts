import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface ServerProcess {
  readonly url: string
  /** Sends a signal and gives the next line that the process prints and that begins with `prefix`, without it. */
  answerTo(signal: NodeJS.Signals, prefix: string): Promise<string>
  /** Ends it in an orderly way; resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts a server in a process of its own, as in real life, and finds its address in what it prints. */
export async function startServer(
  entry: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, entry, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const lineWith = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (line: string) => {
        const found = pattern.exec(line)?.[1]
        if (found === undefined) return
        lines.off('line', look)
        resolve(found)
      }
      lines.on('line', look)
      void ended.then(() => reject(new Error(`${entry.join(' ')} ended`)))
    })
  const url = await lineWith(/(http:\/\/[\d.]+:\d+)/)
  return {
    url,
    answerTo: async (signal, prefix) => {
      const answer = lineWith(new RegExp(`^${prefix}(.*)`))
      child.kill(signal)
      return await answer
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
