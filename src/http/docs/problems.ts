import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { ErrorDefinition } from '../../platform/index.ts'
import { prefers } from '../accept.ts'
import { httpErrors } from '../errors.ts'
import { PROBLEM_TYPE_BASE, type ProblemCatalogue } from '../problem.ts'
import { responses } from '../responses.ts'
import { Exactly } from '../schemas.ts'
import type { HttpServer } from '../server-type.ts'
import { TEXT_PAGE_CONTENT_POLICY } from './content-policy.ts'
import { escapeHtml, htmlPage } from './html.ts'

/** Groups the problem pages in the API description. */
export const PROBLEMS = Object.freeze({
  name: 'problems',
  description: 'Every kind of error that this API answers with. The `type` of an error leads here.',
})

const ProblemKind = Exactly(
  {
    type: Type.String({ format: 'uri' }),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    detail: Type.String(),
  },
  { $id: 'ProblemKind', title: 'ProblemKind', description: 'One kind of error.' },
)
type ProblemKind = Static<typeof ProblemKind>

const ProblemKinds = Type.Array(ProblemKind, { description: 'All kinds of errors, by status.' })

/** Serves what the `type` of every error points to, as JSON, or as a page where a browser asks. */
export function serveProblems(server: HttpServer, problems: ProblemCatalogue): void {
  const kinds = [...problems.values()]
    .map(toKind)
    .sort((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1))
  const config = { produces: ['application/json', 'text/html'] }

  server.get(
    '/problems',
    {
      config,
      schema: {
        operationId: 'listProblems',
        summary: 'List every kind of error',
        tags: [PROBLEMS.name],
        response: responses({ 200: ProblemKinds }),
      },
    },
    async (request, reply) => {
      if (!prefers(request.headers.accept, 'text/html')) return kinds
      return sendPage(reply, 'Problems', kinds.map(describe).join('\n'))
    },
  )

  server.get(
    '/problems/:code',
    {
      config,
      schema: {
        operationId: 'getProblem',
        summary: 'Explain one kind of error',
        tags: [PROBLEMS.name],
        params: Exactly({ code: Type.String({ description: 'The `code` of the error.' }) }),
        response: responses({ 200: ProblemKind }, [httpErrors.notFound]),
      },
    },
    async (request, reply) => {
      const known = problems.get(request.params.code)
      if (!known || known.isVariant) throw httpErrors.notFound()
      const kind = toKind(known)
      if (!prefers(request.headers.accept, 'text/html')) return kind
      return sendPage(reply, kind.title, describe(kind))
    },
  )
}

function toKind({ code, status, title, detail }: ErrorDefinition): ProblemKind {
  return { type: PROBLEM_TYPE_BASE + code, code, status, title, detail }
}

function describe({ code, status, title, detail }: ProblemKind): string {
  return `<h2 id="${escapeHtml(code)}">${escapeHtml(title)}</h2>
<p><code>${escapeHtml(code)}</code>, status ${status}</p>
<p>${escapeHtml(detail)}</p>`
}

function sendPage(reply: FastifyReply, title: string, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', TEXT_PAGE_CONTENT_POLICY)
    .send(htmlPage(title, body))
}
