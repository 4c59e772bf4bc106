import { cloneTemplate, connected, templateName } from '../support/databases.ts'
import type { Effort } from '../support/effort.ts'
import type { Row } from '../support/row.ts'
import { inParallel } from '../support/tenants.ts'
import type { World } from '../support/world.ts'
import { creationWithSpare } from './creation-with-spare.ts'
import { hotPath } from './hot-path.ts'
import type { Measurement } from './measurement.ts'

const PARALLEL = 2

/** The hot path and creations again, with more and more databases on the server. */
export const growth: Measurement = async (world, effort) => {
  // The template is made by the first server that starts.
  await world.withServer({}, async () => undefined)
  const rows: Row[] = []
  for (const databases of [10, effort.pick(100, 20), effort.pick(1_000, 30)]) {
    await fill(world, databases)
    rows.push(...(await measured(world, effort, databases)))
  }
  return rows
}

async function measured(world: World, effort: Effort, databases: number): Promise<Row[]> {
  const rows = [...(await hotPath(world, effort)), ...(await creationWithSpare(world, effort))]
  return rows.map((row) => ({ ...row, name: `${databases} databases: ${row.name}` }))
}

/** Clones the template until a server has so many databases; what the measurements themselves make counts too. */
async function fill({ databaseUrl }: World, databases: number): Promise<void> {
  const missing = await connected(databaseUrl, async (core) => {
    const { rows } = await core.query<{ count: number }>('SELECT count(*)::int FROM pg_database')
    return databases - (rows[0]?.count ?? 0)
  })
  const loops = Array.from({ length: PARALLEL }, (_, index) => Math.ceil((missing - index) / PARALLEL))
  await inParallel(loops, (count) =>
    connected(databaseUrl, async (connection) => {
      const template = await templateName(connection)
      for (let made = 0; made < count; made++) await cloneTemplate(connection, template)
    }),
  )
}
