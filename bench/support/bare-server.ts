// The baseline of the hot path: node:http and pg, the same row of the same database, and nothing else.
import { createServer } from 'node:http'
import pg from 'pg'

const [databaseUrl = '', userId = '', connections = '4'] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: databaseUrl, max: Number(connections) })
const statement = {
  name: 'bare',
  text: `SELECT id, email, full_name, phone, avatar_url, is_owner, is_active, role, metadata, created_at, updated_at
         FROM users WHERE id = $1`,
  values: [userId],
}

const server = createServer((_, response) => {
  pool.query(statement).then(
    ({ rows }) => {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(rows[0]))
    },
    (error) => {
      response.statusCode = 500
      response.end(String(error))
    },
  )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`)
})
process.on('SIGTERM', () => process.exit(0))
