import { expect } from 'vitest'
import { createSecretBox, type Id, newId, withDatabase } from '../../src/platform/index.ts'
import { createCredentialVault } from '../../src/tenancy/credentials/vault.ts'
import { type SignedInUser, unique } from './api-client.ts'
import { commandLine } from './command-line.ts'
import { migrateCore, type OwnPostgres, on, startOwnPostgres } from './own-postgres.ts'
import { startPlatform, TEST_SECRET, type TestPlatform, type TestPlatformOptions } from './platform.ts'

/** What `tenantry doctor --json` says of one finding. */
export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly server: string
  readonly tenant_id: string | null
  readonly subject: string
  readonly text: string
  readonly statement: string | null
  readonly is_mendable: boolean
  readonly mend_error?: string
}

/** What `tenantry doctor --json` ended with. */
export interface Examination {
  readonly code: number
  readonly findings: readonly Finding[]
  readonly mended: readonly Finding[]
  readonly errors: number
  readonly warnings: number
}

/** A platform on a server of its own, to be damaged. */
export interface Patient {
  readonly postgres: OwnPostgres
  readonly test: TestPlatform
  readonly owner: SignedInUser
  readonly line: ReturnType<typeof commandLine>
  /** A new organization, with the name of its database. */
  organization(): Promise<{ readonly id: Id; readonly name: string }>
  spare(): Promise<{ readonly id: Id; readonly name: string }>
  /** Runs a statement as the server's superuser. */
  admin(statement: string, database?: string): Promise<Record<string, unknown>[]>
  /** Runs a statement as the platform's role, which owns the databases. */
  platformRole(statement: string, database?: string): Promise<Record<string, unknown>[]>
  doctor(args?: string): Promise<Examination>
  /** The owner signs in to a tenant, through connections of this very moment. */
  expectUsable(id: Id): Promise<void>
  close(): Promise<void>
}

export const vault = createCredentialVault(createSecretBox(TEST_SECRET))

export async function startPatient(options: TestPlatformOptions = {}): Promise<Patient> {
  const postgres = await startOwnPostgres()
  await migrateCore(postgres.url)
  const databaseUrl = postgres.url
  const test = await startPlatform({ ...options, databaseUrl, env: { TENANT_CONNECTIONS: '1' } })
  const owner = await test.api.register()
  const line = commandLine(databaseUrl)
  const { core, tenancy } = test.platform

  const run = (url: string, statement: string, database?: string) =>
    on(database === undefined ? url : withDatabase(url, database), async (connection) => {
      const result = await connection.query(statement)
      return [result].flat().at(-1)?.rows ?? []
    })

  return {
    postgres,
    test,
    owner,
    line,
    organization: async () => {
      const { id, database_name: name } = await test.api.createOrganization(owner, unique('Patient'))
      return { id, name }
    },
    spare: async () => {
      const claim = await core.transaction((tx) =>
        tenancy.provisioner.reserveSpare(tx, '00000000-0000-7000-8000-000000000001'),
      )
      await tenancy.provisioner.complete(claim)
      return { id: claim.tenantId, name: claim.databaseName }
    },
    admin: (statement, database) => run(postgres.adminUrl, statement, database),
    platformRole: (statement, database) => run(databaseUrl, statement, database),
    doctor: async (args = '') => {
      const { code, data } = await line.json(`doctor ${args}`.trim())
      return { ...data, code }
    },
    expectUsable: async (id) => {
      const other = await startPlatform({ databaseUrl })
      try {
        await expect(other.api.login(owner, id)).resolves.toMatchObject({ email: owner.email })
      } finally {
        await other.close()
      }
    },
    close: async () => {
      await test.close()
      await postgres.close()
    },
  }
}

/** A name that a tenant's database might have. */
export const strangeName = () => `tenant_${newId()}`

/** What the catalogues say of databases and roles with these names, to be compared with what they say later. */
export async function catalogue({ admin }: Patient, names: readonly string[]): Promise<unknown> {
  const list = names.map((name) => `'${name}'`).join(', ')
  return [
    await admin(
      `SELECT d.*, shobj_description(oid, 'pg_database') FROM pg_database d WHERE datname IN (${list}) ORDER BY oid`,
    ),
    await admin(`SELECT * FROM pg_authid WHERE rolname IN (${list}) ORDER BY oid`),
  ]
}
