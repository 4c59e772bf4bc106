import swaggerUi from '@fastify/swagger-ui'
import type { HttpServer } from '../server-type.ts'
import { DOCS_CONTENT_POLICY } from './content-policy.ts'

/** Serves Swagger UI at `/docs`, with all of its files from this server. */
export async function serveSwaggerUi(server: HttpServer, title: string): Promise<void> {
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_CONTENT_POLICY,
    theme: { title },
    // A token typed into "Authorize" survives a reload; it stays in the browser's own storage.
    uiConfig: { persistAuthorization: true, displayRequestDuration: true },
  })
}
