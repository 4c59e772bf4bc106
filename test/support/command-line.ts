import { EXIT, type ExitCode, runCommandLine, type Surroundings } from '../../src/cli/index.ts'
import { createBook } from './platform-secrets.ts'
import { TEST_SECRET } from './secrets/index.ts'

/** How a command ended and what it wrote. */
export interface Outcome {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
}

/** Runs commands on one core database, in this process, as where there is no terminal. None may write a secret (O16). */
export function commandLine(databaseUrl: string) {
  const secrets = createBook(databaseUrl)
  async function run(args: string | readonly string[], extra: Partial<Surroundings> = {}): Promise<Outcome> {
    let stdout = ''
    let stderr = ''
    const { env = {}, ...others } = extra
    const code = await runCommandLine(typeof args === 'string' ? args.split(' ') : args, {
      env: { DATABASE_URL: databaseUrl, TENANTRY_SECRET: TEST_SECRET, ...env },
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      version: '1.2.3',
      terminal: false,
      serve: async () => EXIT.done,
      ...others,
    })
    secrets.check('process', `${stdout}\n${stderr}`)
    return { code, stdout, stderr }
  }
  return {
    run,
    /** Runs a command with --json; its data, with the exit code. */
    json: async (args: string | readonly string[], extra?: Partial<Surroundings>) => {
      const words = typeof args === 'string' ? args.split(' ') : args
      const { code, stdout, stderr } = await run([...words, '--json'], extra)
      return { code, stderr, data: JSON.parse(stdout) }
    },
  }
}
