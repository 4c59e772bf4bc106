import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { HttpServer } from '../server-type.ts'
import { REDOC_CONTENT_POLICY } from './content-policy.ts'
import { escapeHtml, htmlPage } from './html.ts'

const { resolve } = createRequire(import.meta.url)

/** ReDoc's own mark comes from its makers' server; ours asks no other host for anything, so it gets an empty one. */
const REMOTE_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg'
const NO_LOGO = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"

/** A year, as long as HTTP caches care: the version is part of the address. */
const FOREVER = 'public, max-age=31536000, immutable'

/** Serves ReDoc at `/redoc`, with its program from this server. */
export async function serveRedoc(server: HttpServer, title: string): Promise<void> {
  const { version } = JSON.parse(await readFile(resolve('redoc/package.json'), 'utf8')) as { version: string }
  const programPath = `/redoc/redoc-${version}.js`
  const page = htmlPage(
    title,
    `<redoc spec-url="/openapi.json"></redoc>\n<script src="${escapeHtml(programPath)}"></script>`,
  )
  let program: Promise<string> | undefined

  server.get('/redoc', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/html; charset=utf-8').header('content-security-policy', REDOC_CONTENT_POLICY)
    return page
  })

  server.get(programPath, { schema: { hide: true } }, async (_request, reply) => {
    program ??= readProgram()
    reply.type('text/javascript; charset=utf-8').header('cache-control', FOREVER)
    return program
  })
}

/** Read when it is first asked for: a megabyte that most processes never serve. */
async function readProgram(): Promise<string> {
  const program = await readFile(resolve('redoc/bundles/redoc.standalone.js'), 'utf8')
  return program.replaceAll(REMOTE_LOGO, NO_LOGO)
}
