// The baseline over HTTP: node:http and a pg.Pool for each tenant, the same row of the same database, and nothing else.
// Arguments: a JSON file of { tenants: [{ url, userId }], connections: most of one pool, prepared: whether statements
// are. `GET /n` answers for tenant n; 503 stands for SQLSTATE 53300, too many connections.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import pg from 'pg'
import { BARE_QUERY } from './bare-query.ts'
import type { BareTenant } from './tenants.ts'

interface Settings {
  readonly tenants: readonly BareTenant[]
  readonly connections: number
  readonly prepared: boolean
}

const TOO_MANY_CONNECTIONS = '53300'

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings
const tenants = settings.tenants.map(({ url, userId }) => {
  const pool = new pg.Pool({ connectionString: url, max: settings.connections })
  // A killed or refused connection must not end the process.
  pool.on('error', () => undefined)
  const statement = { text: BARE_QUERY, values: [userId], ...(settings.prepared && { name: 'bare' }) }
  return { pool, statement }
})

const server = createServer((request, response) => {
  const tenant = tenants[Number(request.url?.slice(1) ?? '')]
  if (!tenant) {
    response.statusCode = 404
    response.end('')
    return
  }
  tenant.pool.query(tenant.statement).then(
    ({ rows }) => {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(rows[0]))
    },
    (error) => {
      response.statusCode = error.code === TOO_MANY_CONNECTIONS ? 503 : 500
      response.end(String(error))
    },
  )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`)
})
process.on('SIGTERM', () => process.exit(0))
