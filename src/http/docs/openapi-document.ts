import type { HttpServer } from '../server-type.ts'

/** Serves the description of the API at `/openapi.json`. */
export function serveOpenApi(server: HttpServer): void {
  let document: string | undefined
  server.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    // Routes cannot change once the server runs, so one text serves everybody.
    document ??= JSON.stringify(server.swagger())
    reply.type('application/json; charset=utf-8')
    return document
  })
}
