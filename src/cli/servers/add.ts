import { recordAudit } from '../../audit/index.ts'
import { isPostgresUrl } from '../../config.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { operatorAudit } from '../operator-audit.ts'

export interface NewServerOptions {
  readonly url?: string
  readonly region?: string
  readonly capacity?: string
}

const LABEL = /^[a-z0-9][a-z0-9-]{0,62}$/

/** Checks a server and adds it. What its administrator should do is part of the answer. */
export async function add(
  context: CommandContext,
  { tenancy }: Databases,
  name: string,
  { url, region, capacity }: NewServerOptions,
): Promise<ExitCode> {
  const { output } = context
  for (const label of [name, region ?? name])
    if (!LABEL.test(label))
      throw new UsageError('Names and regions are 1 to 63 lower case letters, digits and hyphens.')
  const wish = { name, url: await readUrl(context, url), region, capacity: readCapacity(capacity) }
  const { advice, ...server } = await tenancy.operations.addServer(wish, (tx, id) =>
    recordAudit(
      tx,
      operatorAudit('server.added', { actor: { kind: 'operator' }, target: { kind: 'server', id } }),
    ),
  )
  output.data(
    { ...server, administrator_should: advice },
    `${name}: added, PostgreSQL ${server.version} at ${server.address}`,
  )
  if (!output.json && advice.length > 0)
    output.note(['Its administrator should run:', ...advice].join('\n  '))
  output.note(
    'Its pg_hba.conf must let the roles tenant_… in with scram-sha-256 from where this program runs.',
  )
  return EXIT.done
}

async function readUrl({ config, readInput }: CommandContext, given?: string): Promise<string> {
  if (given === '-' && !readInput) throw new UsageError('There is no standard input to read the URL from.')
  const url = given === '-' ? (await readInput?.())?.trim() : (given ?? config.newServerUrl)
  if (url === undefined)
    throw new UsageError('Say the URL with --url - and standard input, or in NEW_SERVER_URL.')
  // The URL holds a password, so the message does not repeat it.
  if (!isPostgresUrl(url))
    throw new UsageError('The URL must look like postgres://user:password@host:5432/database.')
  return url
}

function readCapacity(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError('--capacity takes a whole number from 1.')
  return Number(text)
}
