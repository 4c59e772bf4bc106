import { messageOf } from '../../platform/index.ts'
import { listServers } from '../servers/store.ts'
import { type Finding, keyOf } from './finding.ts'
import { inspectServer } from './inspect-server.ts'
import type { DoctorOptions } from './scope.ts'
import { countTenants } from './store.ts'

/** A finding after the last look, with why it could not be mended. */
export interface LeftFinding extends Finding {
  readonly mendError?: string
}

/** What a look at the whole platform found. */
export interface Diagnosis {
  readonly servers: number
  readonly tenants: number
  /** What was wrong and is not any more. */
  readonly mended: readonly Finding[]
  /** What is wrong now. */
  readonly left: readonly LeftFinding[]
}

/** Mending one thing may bring the next to light: a role that is there again may lack its way into its database. */
const ROUNDS = 3

/**
 * Compares what is recorded with what is there, on every server at once.
 *
 * @param fix mends what can be mended, and looks again
 * @throws what the core database throws
 */
export async function examine(options: DoctorOptions, { fix }: { fix: boolean }): Promise<Diagnosis> {
  const seen = new Map<string, Finding>()
  let left = await look(options)
  let errors = new Map<string, string>()
  for (let round = 0; fix && round < ROUNDS; round++) {
    const mendable = left.filter(({ mend }) => mend)
    if (mendable.length === 0) break
    for (const finding of mendable) seen.set(keyOf(finding), finding)
    errors = await mendEach(mendable)
    left = await look(options)
  }
  const keys = new Set(left.map(keyOf))
  return {
    servers: (await listServers(options.core)).length,
    tenants: await countTenants(options.core),
    mended: [...seen].filter(([key]) => !keys.has(key)).map(([, finding]) => finding),
    left: left.map((finding) => {
      const mendError = errors.get(keyOf(finding))
      return mendError === undefined ? finding : { ...finding, mendError }
    }),
  }
}

async function look(options: DoctorOptions): Promise<Finding[]> {
  const servers = await listServers(options.core)
  return (await Promise.all(servers.map((server) => inspectServer(options, server)))).flat()
}

/** One after another. One that fails stops none of the others; why it failed is kept by its key. */
async function mendEach(findings: readonly Finding[]): Promise<Map<string, string>> {
  const errors = new Map<string, string>()
  for (const finding of findings) {
    try {
      await finding.mend?.()
    } catch (error) {
      errors.set(keyOf(finding), messageOf(error))
    }
  }
  return errors
}
