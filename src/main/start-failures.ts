import type { Config } from '../config.ts'
import { databaseFault, messageOf } from '../platform/index.ts'

/** One line that says what to do, for the failures that a person can mend. */
export function explainStartFailure(error: unknown, config: Config): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return `Port ${config.port} on ${config.host} is in use. Stop what uses it, or set PORT to another one.`
  }
  if (code === 'EACCES' && error instanceof Error && 'syscall' in error && error.syscall === 'listen') {
    return `This user may not listen on port ${config.port}. Set PORT to 1024 or more.`
  }
  if (databaseFault(error) === 'unavailable') return 'The database cannot be reached. Check DATABASE_URL.'
  return messageOf(error)
}
