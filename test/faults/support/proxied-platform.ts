import { inject } from 'vitest'
import { withDatabase } from '../../../src/platform/index.ts'
import { connectTo } from '../../acceptance/support/running-postgres.ts'
import type { ApiCall, SignedInUser } from '../../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../../support/checked-platform.ts'
import type { TestPlatformOptions } from '../../support/platform.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** The whole application with every answer checked, and a proxy between it and PostgreSQL. */
export interface ProxiedPlatform extends CheckedPlatform {
  readonly proxy: TcpProxy
  readonly owner: SignedInUser
}

/** An organization with its owner signed in to it; the test will break something of it. */
export interface TestTenant {
  readonly id: string
  readonly databaseName: string
  readonly member: SignedInUser
  /** How the owner calls the API there. */
  readonly call: ApiCall
}

/** Starts all of it on the tests' own server. */
export async function startProxiedPlatform(
  options: Omit<TestPlatformOptions, 'log' | 'observe' | 'through'> = {},
): Promise<ProxiedPlatform> {
  const proxy = await TcpProxy.before(inject('postgresUrl'))
  const test = await startCheckedPlatform({ ...options, through: (url) => proxy.through(url) })
  return {
    ...test,
    proxy,
    owner: await test.api.register(),
    close: async () => {
      proxy.heal()
      await test.close()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

/** Makes an organization. */
export async function makeTenant({ api, owner }: ProxiedPlatform): Promise<TestTenant> {
  const { id, database_name } = await api.createOrganization(owner)
  const member = await api.login(owner, id)
  return {
    id,
    databaseName: database_name,
    member,
    call: { tenantId: id, token: member.token, faulty: true },
  }
}

/** Runs one statement in a database past the proxy, as the role that made it. */
export async function runIn(database: string, statement: string, values: unknown[] = []) {
  const client = await connectTo(withDatabase(inject('postgresUrl'), database))
  try {
    return (await client.query(statement, values)).rows
  } finally {
    await client.end()
  }
}
