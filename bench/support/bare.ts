import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Target } from './load/plan.ts'
import { startServer } from './process.ts'
import type { BareTenant } from './tenants.ts'

export interface BareOptions {
  readonly tenants: readonly BareTenant[]
  /** Most connections of each tenant's pool. */
  readonly connections: number
  /** Whether statements are prepared by name. */
  readonly prepared: boolean
  /** Where its settings may lie. */
  readonly directory: string
}

/** Runs `work` with a bare server of `bare-server.ts`, given as one target for each tenant, and stops it. */
export async function withBareServer<T>(
  { directory, ...settings }: BareOptions,
  work: (targets: readonly Target[]) => Promise<T>,
): Promise<T> {
  const file = join(directory, `bare-${randomUUID()}.json`)
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 })
  const bare = await startServer(['bench/support/bare-server.ts', file], {})
  try {
    return await work(settings.tenants.map((_, index) => ({ url: `${bare.url}/${index}` })))
  } finally {
    await bare.stop()
  }
}
