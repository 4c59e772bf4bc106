import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fleetStatus } from '../../src/fleet/index.ts'
import { readMigrations } from '../../src/migrations/index.ts'
import { createDatabase, createPool, REQUEST_TIMEOUTS } from '../../src/platform/index.ts'
import { connected } from '../support/databases.ts'
import { atMost } from '../support/row.ts'
import type { Measurement } from './measurement.ts'

const TENANTS = 10_000
const WARM_UP = 3

/** CPU time in this process for `migrate status tenants` over 10,000 registered tenants, the start of a process left out. */
export const fleetStatusRow: Measurement = async ({ databaseUrl, withServer }, effort) => {
  await withServer({ SPARE_DATABASES: '0' }, async () => undefined) // Migrates the core database.
  const migrations = await readMigrations(join(import.meta.dirname, '../../migrations/tenant'))
  const ids = Array.from({ length: TENANTS }, () => randomUUID())
  await connected(databaseUrl, (core) =>
    core.query(
      `INSERT INTO public.tenants (id, server_id, database_name, status, schema_version, migrations_applied)
       SELECT id, (SELECT id FROM public.servers LIMIT 1), 'bench_' || id, 'active', $2, $3 FROM unnest($1::uuid[]) AS id`,
      [ids, migrations.latest, migrations.files.length],
    ),
  )
  const pool = createPool({ url: databaseUrl, applicationName: 'bench', timeouts: REQUEST_TIMEOUTS, max: 1 })
  try {
    const core = createDatabase('core', pool)
    const times: number[] = []
    for (let round = 0; round < WARM_UP + effort.rounds(15); round++) {
      const before = process.cpuUsage()
      const { tenants } = await fleetStatus(core, migrations)
      const { user, system } = process.cpuUsage(before)
      if (tenants !== TENANTS) throw new Error(`${tenants} tenants instead of ${TENANTS}`)
      if (round >= WARM_UP) times.push((user + system) / 1_000)
    }
    const sorted = times.sort((one, other) => one - other)
    return [
      {
        name: `status of ${TENANTS} tenants, CPU of the process that asks, p50`,
        against: '',
        unit: 'ms',
        measured: sorted[Math.floor(sorted.length / 2)] ?? 0,
        rounds: sorted.length,
        atLeast: atMost(100),
      },
    ]
  } finally {
    await pool.close()
  }
}
