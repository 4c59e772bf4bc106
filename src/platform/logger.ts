import { type Logger, pino } from 'pino'
import { withoutStatement } from './postgres/query-errors.ts'

export type { Logger }

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

export interface LoggerOptions {
  readonly level: LogLevel
  /** `pretty` for a person at a terminal, `json` for a collector. */
  readonly format: 'pretty' | 'json'
  /** Fields added to every line, for example the tenant of the running request. */
  readonly context?: () => Record<string, unknown>
}

/** Wherever a logged object holds one of these, the value is replaced: a secret in a log is a leak. */
const SECRET_FIELDS = [
  'password',
  'access_token',
  'refresh_token',
  'authorization',
  'cookie',
  'secret',
  'token',
  'key',
]

const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

/** The process's logger: one line per event on stderr, because stdout belongs to a command's data. */
export function createLogger({ level, format, context }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    ...(context && { mixin: context }),
  }
  if (format === 'json') return pino(options, pino.destination({ dest: 2, sync: false }))
  return pino({
    ...options,
    transport: {
      target: 'pino-pretty',
      options: { destination: 2, ignore: 'pid,hostname', singleLine: true },
    },
  })
}

/** A logger that says nothing, for tools and tests. */
export const silentLogger: Logger = pino({ level: 'silent' })

/**
 * An error as the log shows it: kind, code, message and where, and the same of what caused it. Of a database error not the
 * statement and not `detail`, because both hold values of rows.
 */
export function describeError(thrown: unknown): unknown {
  const error = withoutStatement(thrown)
  if (!(error instanceof Error)) return error
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    ...('constraint' in error && { constraint: error.constraint }),
    message: error.message,
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  }
}
