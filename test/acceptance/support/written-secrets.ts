import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PASSWORD, SecretBook } from '../../support/secrets/index.ts'
import type { StartedProcess } from './processes.ts'

/** Variables that are secrets, and such as are addresses with a password in them. */
const SECRET_VARIABLE = /SECRET|PASSWORD/
const ADDRESS_VARIABLE = /_URL$/
/** Fields of the embedded PostgreSQL's credentials that are no secret. */
const PUBLIC_CREDENTIALS = ['directory']

/**
 * O16: every secret in what processes said, and in the logs of a data directory.
 *
 * @param dataDir need not exist
 */
export async function leaksIn(dataDir: string, processes: readonly StartedProcess[]): Promise<string[]> {
  const book = new SecretBook()
  book.learn('a password', PASSWORD)
  for (const { env } of processes) learnEnvironment(book, env)
  const names = await readdir(dataDir).catch((): string[] => [])
  const read = (name: string) => readFile(join(dataDir, name), 'utf8')
  if (names.includes('secret')) book.learn('TENANTRY_SECRET', (await read('secret')).trim())
  if (names.includes('postgres-credentials.json'))
    learnCredentials(book, JSON.parse(await read('postgres-credentials.json')))

  const leaks = processes
    .filter((one) => !one.showsSecrets)
    .map((one) => book.find('process', `${one.stdout}\n${one.stderr}`))
  for (const name of names.filter((one) => /[.]log([.]1)?$/.test(one)))
    leaks.push(book.find('server log', await read(name)))
  return leaks.filter((leak) => leak !== undefined)
}

function learnEnvironment(book: SecretBook, env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (SECRET_VARIABLE.test(name)) book.learn(name, value)
    if (ADDRESS_VARIABLE.test(name)) book.learnUrl(`the password of ${name}`, value)
  }
}

function learnCredentials(book: SecretBook, credentials: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(credentials))
    if (typeof value === 'string' && !PUBLIC_CREDENTIALS.includes(name)) book.learn(name, value)
}
