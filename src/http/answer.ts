import type { FastifyReply, FastifyRequest } from 'fastify'
import { toAppError } from './error-mapping.ts'
import type { Exchanges } from './exchange.ts'
import { PROBLEM_CONTENT_TYPE, type ProblemCatalogue, toProblem } from './problem.ts'

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
 */
export function createAnswerProblem(problems: ProblemCatalogue, exchanges: Exchanges): AnswerProblem {
  return (request, reply, thrown, extension) => {
    const error = toAppError(thrown)
    if (error.status >= 500) exchanges.noteFailure(request, thrown)
    // A route's own limit, which this request had kept, was already told; what refused it says itself what it is.
    if (error.status === 429) for (const name of RATE_HEADERS) reply.removeHeader(name)
    // Text, not an object: the route's serializer describes success and must not touch this.
    const body = JSON.stringify({ ...toProblem(error, request.id, problems), ...extension })
    reply.code(error.status).headers(error.headers).header('content-type', PROBLEM_CONTENT_TYPE).send(body)
  }
}
