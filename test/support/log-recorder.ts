import { Writable } from 'node:stream'
import { pino } from 'pino'
import { currentContext, describeError, type Logger } from '../../src/platform/index.ts'

export interface LogLine {
  /** As it was written. */
  readonly text: string
  readonly msg?: string
  readonly request_id?: string
  readonly tenant_id?: string
  readonly [field: string]: unknown
}

export interface LogRecorder {
  readonly log: Logger
  readonly lines: readonly LogLine[]
}

/** A logger that keeps its lines. It has the process's context but hides nothing: what is secret must not get here. */
export function recordLog(): LogRecorder {
  const lines: LogLine[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      // pino writes one line at a time; a line break inside one would fail to parse, or leave two.
      const text = String(chunk)
      lines.push({ ...JSON.parse(text), text })
      done()
    },
  })
  const serializers = { err: describeError }
  const log = pino(
    { level: 'debug', base: null, serializers, mixin: () => ({ ...currentContext() }) },
    stream,
  )
  return { log, lines }
}
