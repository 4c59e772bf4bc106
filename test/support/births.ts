import { sql } from 'drizzle-orm'
import type { Platform } from '../../src/compose.ts'
import { organizationHooks } from '../../src/organizations/index.ts'
import { onServer } from './databases.ts'
import { inCore } from './rows.ts'

/** Makes the next organizations of a platform fail at their last step. */
export function breakBirths({ core, events, tenancy }: Platform): void {
  const seed = () => Promise.reject(new Error('the disk is on fire'))
  tenancy.provisioner.use({ ...organizationHooks(core, events), seed })
}

/** Lets organizations be born as ever. */
export function healBirths({ core, events, tenancy }: Platform): void {
  tenancy.provisioner.use(organizationHooks(core, events))
}

export interface HeldBirths {
  /** Ends when the first organization has come to its last step. */
  readonly reached: Promise<void>
  /** Lets all of them go on. */
  release(): void
}

/** Keeps the next organizations of a platform at their last step. */
export function holdBirths({ core, events, tenancy }: Platform): HeldBirths {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const hooks = organizationHooks(core, events)
  tenancy.provisioner.use({
    ...hooks,
    seed: async (tenant) => {
      reached.resolve()
      await gate.promise
      await hooks.seed(tenant)
    },
  })
  return { reached: reached.promise, release: () => gate.resolve() }
}

/** Makes an unfinished organization look like one that another process, alive or dead, has claimed. */
export async function claimForAnother(platform: Platform, id: string, process: 'alive' | 'dead') {
  const until = process === 'alive' ? sql`now() + interval '1 minute'` : sql`now() - interval '1 second'`
  await inCore(
    platform,
    sql`UPDATE tenants SET claim_token = gen_random_uuid(), claimed_until = ${until} WHERE id = ${id}`,
  )
}

/** Tenants of this platform that should have an organization and a database, and lack one of them. */
export async function orphans(platform: Platform): Promise<unknown[]> {
  const records = await inCore<{ name: string; organization: string | null }>(
    platform,
    sql`SELECT t.database_name AS name, o.id AS organization FROM tenants t LEFT JOIN organizations o ON o.id = t.id
      WHERE t.status NOT IN ('preparing', 'spare')`,
  )
  const { rows } = await onServer((server) =>
    server.query<{ datname: string }>('SELECT datname FROM pg_database WHERE datname = ANY($1)', [
      records.map(({ name }) => name),
    ]),
  )
  const existing = new Set(rows.map(({ datname }) => datname))
  return records.filter(({ name, organization }) => organization === null || !existing.has(name))
}
