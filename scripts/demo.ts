// npm run demo: plays the whole flow by hand over HTTP, against TENANTRY_URL, a server on PORT, or one of its own. Prints
// every request and response, and fails when an answer is not what it should be.
import { randomBytes } from 'node:crypto'
import { call, type Reply } from './demo/call.ts'
import { findOrStartServer, type Server } from './demo/server.ts'

const PASSWORD = 'correct horse battery staple'
const unique = randomBytes(4).toString('hex')
let server: Server | undefined

try {
  server = await findOrStartServer()
  await play(server.url)
  console.log('\nEvery answer was as it should be.')
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  await server?.stop()
}

async function play(url: string): Promise<void> {
  const api = `${url}/api/v1`
  const owner = { email: `owner-${unique}@example.com`, password: PASSWORD }
  const member = { email: `member-${unique}@example.com`, password: PASSWORD }

  title('A platform user registers')
  await call('POST', `${api}/auth/register`, { expect: 201, body: { ...owner, full_name: 'Olga Owner' } })

  title('… and signs in')
  const core = await call('POST', `${api}/auth/login`, { expect: 200, body: owner })

  title('The user creates an organization, which gets a database of its own')
  const organization = await createOrganization(api, core, 'Acme')

  title('Somebody registers in that organization')
  const tenantId = text(organization, 'id')
  await call('POST', `${api}/auth/register`, {
    expect: 201,
    tenantId,
    body: { ...member, full_name: 'Mia Member' },
  })

  title('… signs in there')
  const tenant = await call('POST', `${api}/auth/login`, { expect: 200, tenantId, body: member })

  title('… and reads and changes the own profile')
  const as = { tenantId, token: text(tenant, 'access_token') }
  await call('GET', `${api}/users/me`, { expect: 200, ...as })
  await call('PUT', `${api}/users/me`, { expect: 200, ...as, body: { phone: '+49 30 123456' } })

  title('The owner signs in to the organization with the platform password')
  const linked = await call('POST', `${api}/auth/login`, { expect: 200, tenantId, body: owner })
  check(linked.body['user'], 'is_owner', true)

  title('A refresh token is exchanged for new tokens')
  const refresh_token = text(tenant, 'refresh_token')
  await call('POST', `${api}/auth/refresh`, { expect: 200, tenantId, body: { refresh_token } })

  title('A token of one organization is refused by another')
  const other = await createOrganization(api, core, 'Globex')
  await call('GET', `${api}/users/me`, { expect: 403, token: as.token, tenantId: text(other, 'id') })
}

async function createOrganization(api: string, core: Reply, name: string): Promise<Reply> {
  const created = await call('POST', `${api}/organizations`, {
    expect: 201,
    token: text(core, 'access_token'),
    body: { name: `${name} ${unique}` },
  })
  check(created.body, 'status', 'active')
  return created
}

function title(words: string): void {
  console.log(`\n# ${words}`)
}

function text(reply: Reply, field: string): string {
  const value = reply.body[field]
  if (typeof value !== 'string') throw new Error(`The answer has no ${field}.`)
  return value
}

function check(value: unknown, field: string, wanted: unknown): void {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined
  if (found !== wanted) throw new Error(`Expected ${field} to be ${String(wanted)}, found ${String(found)}.`)
}
