import { inject } from 'vitest'
import type { Platform } from '../../src/compose.ts'
import {
  createSecretBox,
  MAINTENANCE_TIMEOUTS,
  withConnection,
  withDatabase,
} from '../../src/platform/index.ts'
import type { ApiExchange } from './api-client.ts'
import type { LogLine } from './log-recorder.ts'
import { checkStored, PASSWORD, SecretBook, TEST_SECRET } from './secrets/index.ts'

/** Tenants of one platform whose databases are searched: what one of them keeps in the clear, all do. */
const TENANTS = 1

/** A book of what a platform is started with. */
export function createBook(databaseUrl: string): SecretBook {
  const book = new SecretBook()
  book.learn('a password', PASSWORD)
  book.learn('TENANTRY_SECRET', TEST_SECRET)
  book.learnUrl('the password of DATABASE_URL', databaseUrl)
  book.learnUrl('the password of the superuser', inject('postgresAdminUrl') ?? '')
  return book
}

/** Learns what goes in and out, and sees that no answer gives back what was handed in. */
export function watchExchange(book: SecretBook, { method, url, sent, reply }: ApiExchange): void {
  book.learnFrom(sent)
  const found = book.find('answer', `${JSON.stringify(reply.headers)} ${reply.text}`)
  if (found !== undefined) throw new Error(`${found} (${method} ${url} answered ${reply.status})`)
  book.learnFrom(reply.body)
}

/** Every secret in what a platform logged, kept as a mail, and stored. */
export async function leaksOf(
  platform: Platform,
  book: SecretBook,
  lines: readonly LogLine[],
  ownDatabaseUrl: string | undefined,
): Promise<string[]> {
  const mails = platform.mailer.outbox?.list() ?? []
  const leaks = [book.find('mail', mails.map(({ subject, text }) => `${subject}\n${text}`).join('\n'))]
  if (ownDatabaseUrl !== undefined) leaks.push(...(await leaksInDatabases(book, ownDatabaseUrl)))
  // At last, because by now the passwords of tenants' roles are known.
  leaks.push(book.find('log', lines.map(({ text }) => text).join('')))
  return leaks.filter((leak) => leak !== undefined)
}

async function leaksInDatabases(book: SecretBook, coreUrl: string): Promise<string[]> {
  const leaks: string[] = []
  const search = (url: string, learn: (connection: Connection) => Promise<string[]>) =>
    withConnection(
      { url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS },
      async (one) => {
        const found = await learn(one)
        await checkStored(one, book).catch((error: Error) => leaks.push(error.message))
        return found
      },
    )
  const databases = await search(coreUrl, (core) => learnRoles(core, book))
  // A test may have taken its tenant's database away, or the connection to it.
  for (const name of databases)
    await search(withDatabase(coreUrl, name), async () => []).catch(() => undefined)
  return leaks
}

type Connection = Parameters<Parameters<typeof withConnection<string[]>>[1]>[0]

/** Learns the passwords of some tenants' login roles; gives their databases. */
async function learnRoles(core: Connection, book: SecretBook): Promise<string[]> {
  const { rows } = await core.query<{ id: string; database_name: string; sealed_password: string }>(
    `SELECT id, database_name, sealed_password FROM tenants
     WHERE status = 'active' AND sealed_password IS NOT NULL ORDER BY created_at, id LIMIT ${TENANTS}`,
  )
  const box = createSecretBox(TEST_SECRET)
  for (const { id, sealed_password: sealed } of rows) {
    const [, bytes = ''] = sealed.split('.')
    const password = box.open(Buffer.from(bytes, 'base64'), `tenant ${id}`).toString()
    book.learn('the password of a tenant’s role', password)
  }
  return rows.map((row) => row.database_name)
}
