import { Type } from 'typebox'
import { type Logger, SingleFlight, withDeadline } from '../../platform/index.ts'
import type { AnswerProblem } from '../answer.ts'
import type { Drain } from '../drain.ts'
import { httpErrors } from '../errors.ts'
import { responses } from '../responses.ts'
import { Exactly } from '../schemas.ts'
import type { HttpServer } from '../server-type.ts'
import { OPERATIONS } from './tag.ts'

/** Something that the process cannot serve without. */
export interface ReadinessCheck {
  readonly name: string
  /** Rejects when the need is not met. */
  check(): Promise<void>
}

/** Longest that one check may take; a slower one has failed. */
const CHECK_TIMEOUT_MS = 2000

const Check = Exactly({ name: Type.String(), ok: Type.Boolean() })

const Health = Exactly({
  status: Type.String({ enum: ['ok'] }),
  checks: Type.Array(Check, { description: 'What this process needs, and whether it is there.' }),
})

interface CheckResult {
  readonly name: string
  readonly ok: boolean
}

/** What the health routes look at. */
export interface HealthParts {
  readonly drain: Drain
  readonly checks: readonly ReadinessCheck[]
  readonly log: Logger
  readonly answerProblem: AnswerProblem
}

/**
 * Serves `/health/live` (the process runs; restart it when this fails) and `/health/ready` (send it requests). Neither
 * is limited by rate: probes often come from one address.
 */
export function serveHealth(server: HttpServer, { drain, checks, log, answerProblem }: HealthParts): void {
  // Probes that come at once share one look, so that nobody can hammer the database through them.
  const looks = new SingleFlight<'ready', CheckResult[]>()
  const look = () => Promise.all(checks.map((check) => run(check, log)))

  server.get(
    '/health/live',
    {
      config: { rateLimit: false, always: true },
      schema: {
        operationId: 'getLiveness',
        summary: 'Ask whether this process runs',
        tags: [OPERATIONS.name],
        response: responses({ 200: Health }),
      },
    },
    async () => ({ status: 'ok', checks: [] }),
  )

  server.get(
    '/health/ready',
    {
      config: { rateLimit: false, always: true },
      schema: {
        operationId: 'getReadiness',
        summary: 'Ask whether this process can serve requests',
        tags: [OPERATIONS.name],
        response: responses({ 200: Health }, [httpErrors.notReady]),
      },
    },
    async (request, reply) => {
      if (drain.draining) throw httpErrors.shuttingDown()
      const results = await looks.run('ready', look)
      if (results.every(({ ok }) => ok)) return { status: 'ok', checks: results }
      answerProblem(request, reply, httpErrors.notReady(), { checks: results })
      return reply
    },
  )
}

async function run({ name, check }: ReadinessCheck, log: Logger): Promise<CheckResult> {
  try {
    await withDeadline(check(), CHECK_TIMEOUT_MS, `Readiness check "${name}"`)
    return { name, ok: true }
  } catch (error) {
    log.warn({ check: name, err: error }, 'readiness check failed')
    return { name, ok: false }
  }
}
