import { type Id, messageOf, newId, violates } from '../../platform/index.ts'
import type { CredentialVault } from '../credentials/vault.ts'
import type { CoreDb, CoreTx } from '../types.ts'
import { addressOf } from './address.ts'
import type { ServerFacts } from './facts/store.ts'
import { adviceFor, probeServer, shortcomings } from './probe.ts'
import { insertServer, listServers, type ServerRecord } from './store.ts'

export interface AddServerOptions {
  readonly core: CoreDb
  readonly vault: CredentialVault
  /** @throws SealedElsewhereError */
  readonly urlOf: (server: ServerRecord) => string
}

/** A server that is to hold tenant databases. */
export interface NewServer {
  /** 1 to 63 lower case letters, digits and hyphens. */
  readonly name: string
  /** The platform's role on it, with a database from which CREATE DATABASE is sent. */
  readonly url: string
  readonly region?: string | undefined
  /** Most tenants on it, spares included. */
  readonly capacity?: number | undefined
}

export interface AddedServer {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly version: number
  /** What an administrator of it should do. */
  readonly advice: readonly string[]
}

/** Records a new server, in the transaction that enters it. */
export type RecordServer = (tx: CoreTx, id: Id) => Promise<void>

/** A server cannot be added; the message says why, and never how one gets in. */
export class ServerRefusedError extends Error {
  override readonly name = 'ServerRefusedError'
}

/**
 * Checks a server and records it. Tenants are placed on it from then on.
 *
 * @throws ServerRefusedError
 */
export async function addServer(
  options: AddServerOptions,
  wish: NewServer,
  record: RecordServer,
): Promise<AddedServer> {
  const { core, vault } = options
  const { name, url, region = null, capacity = null } = wish
  const facts = await probe(url)
  const problems = shortcomings(facts)
  if (problems.length > 0) throw new ServerRefusedError(problems.join('\n'))
  await refuseKnown(options, url, facts)
  const id = newId()
  try {
    await core.transaction(async (tx) => {
      await insertServer(tx, { id, name, sealedUrl: vault.sealUrl(id, url), region, capacity })
      await record(tx, id)
    })
  } catch (error) {
    if (violates(error, 'servers_name_key'))
      throw new ServerRefusedError(`There is a server ${name} already.`)
    throw error
  }
  return { id, name, address: addressOf(url), version: facts.version, advice: adviceFor(facts) }
}

async function probe(url: string): Promise<ServerFacts> {
  try {
    return await probeServer(url)
  } catch (error) {
    throw new ServerRefusedError(`${addressOf(url)} cannot be used: ${messageOf(error)}`)
  }
}

/** Two names for one server would let two records own the same databases. */
async function refuseKnown(
  { core, urlOf }: AddServerOptions,
  url: string,
  facts: ServerFacts,
): Promise<void> {
  for (const server of await listServers(core)) {
    const known = urlOf(server)
    const isSame = addressOf(known) === addressOf(url) || (await isSameServer(known, facts))
    if (isSame) throw new ServerRefusedError(`${addressOf(url)} is the server ${server.name}.`)
  }
}

/** A server that does not answer is told apart by its address alone. */
async function isSameServer(known: string, { systemId }: ServerFacts): Promise<boolean> {
  if (systemId === undefined) return false
  return await probeServer(known).then(
    (facts) => facts.systemId === systemId,
    () => false,
  )
}
