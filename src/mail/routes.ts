import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  escapeHtml,
  type HttpServer,
  htmlPage,
  httpErrors,
  prefers,
  TEXT_PAGE_CONTENT_POLICY,
} from '../http/index.ts'
import type { Mailer } from './mailer.ts'
import type { KeptLetter } from './outbox.ts'

/** Headers of a proxy: who sends one is not at this machine, whatever the socket says. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip']
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
const LOCAL_NAME = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/

/**
 * `GET /dev/mail`: what would have been sent, newest first. There only where mails are kept in place of being sent, and
 * only for this machine itself, because who reads a mail can take its recipient's account.
 */
export function devMailRoutes(server: HttpServer, { outbox }: Pick<Mailer, 'outbox'>): void {
  if (!outbox) return
  const config = { produces: ['application/json', 'text/html'] }
  server.get('/dev/mail', { config, schema: { hide: true } }, async (request, reply) => {
    if (!isLocal(request)) throw httpErrors.notFound()
    const letters = outbox.list()
    if (prefers(request.headers.accept, 'text/html')) return sendPage(reply, letters)
    return letters.map(({ id, kind, to, subject, text, createdAt }) => ({
      id,
      kind,
      to,
      subject,
      text,
      created_at: createdAt.toISOString(),
    }))
  })
}

/** The name too: a page on another site may have had its own name point here. */
function isLocal({ socket, headers }: FastifyRequest): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false
  return LOOPBACK.test(socket.remoteAddress ?? '') && LOCAL_NAME.test(headers.host ?? '')
}

function sendPage(reply: FastifyReply, letters: readonly KeptLetter[]): FastifyReply {
  const body = letters.map(
    ({ to, subject, text, createdAt }) =>
      `<h2>${escapeHtml(subject)}</h2>\n<p>${escapeHtml(to)}, ${createdAt.toISOString()}</p>\n<pre>${escapeHtml(text)}</pre>`,
  )
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', TEXT_PAGE_CONTENT_POLICY)
    .send(htmlPage('Mail', body.join('\n') || '<p>No mail yet.</p>'))
}
