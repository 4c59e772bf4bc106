import type { FastifyReply, FastifyRequest } from 'fastify'
import { contentTypeOf, type ErrorFormatOf } from './error-format.ts'
import { toAppError } from './error-mapping.ts'
import type { Exchanges } from './exchange.ts'
import { type ProblemCatalogue, toProblem } from './problem.ts'

const RATE_HEADERS = ['ratelimit', 'ratelimit-policy'] as const

/** Answers a request with the problem that `thrown` means; a fault of ours goes into the request's line of the log. */
export type AnswerProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  extension?: Readonly<Record<string, unknown>>,
) => void

/**
 * Makes the one place where errors become answers.
 *
 * @param problems every kind of problem, for the fixed texts of 5xx
 * @param formatOf how it is written
 */
export function createAnswerProblem(
  problems: ProblemCatalogue,
  exchanges: Exchanges,
  formatOf: ErrorFormatOf,
): AnswerProblem {
  return (request, reply, thrown, extension) => {
    const error = toAppError(thrown)
    if (error.status >= 500) exchanges.noteFailure(request, thrown)
    // A route's own limit, which this request had kept, was already told; what refused it says itself what it is.
    if (error.status === 429) for (const name of RATE_HEADERS) reply.removeHeader(name)
    // Text, not an object: the route's serializer describes success and must not touch this.
    const format = formatOf(request.routeOptions.url ?? request.url)
    const body = JSON.stringify(format.write({ ...toProblem(error, request.id, problems), ...extension }))
    const status = format.statusOf(error.status)
    reply.code(status).headers(error.headers).header('content-type', contentTypeOf(format)).send(body)
  }
}
