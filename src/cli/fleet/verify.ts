import { type DriftOutcome, type EachReport, lookForDrift } from '../../fleet/index.ts'
import type { Id } from '../../platform/index.ts'
import type { SchemaDrift } from '../../tenancy/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'
import { fleetOf } from './conduct.ts'
import { describeStatus, presentStatus } from './overview.ts'

export interface VerifyWish {
  /** Only these. Default: all. */
  readonly only?: readonly Id[] | undefined
  readonly concurrency: number
  readonly check: boolean
}

type Drifted = SchemaDrift & { readonly id: Id }

/** What the looks came to. */
interface Looks {
  readonly report: EachReport
  readonly drifted: readonly Drifted[]
  readonly failed: readonly { readonly id: Id; readonly error: string }[]
}

/**
 * Looks into each tenant's database for a schema that is not what its migrations make, records that, and shows where the
 * fleet stands after it. Exits 4 when one could not be looked at, otherwise 3 with `check` when anything is not clean.
 */
export async function verifyFleet(
  context: CommandContext,
  databases: Databases,
  wish: VerifyWish,
): Promise<ExitCode> {
  const { output } = context
  const signal = context.interrupted()
  const looks = await look(context, databases, wish, signal)
  const { drifted, failed } = looks
  // Of some tenants alone the state of the fleet is not what was asked for.
  const status = wish.only ? undefined : await fleetOf(databases).status()
  output.data(
    { ...(status && presentStatus(status)), looked_at: presentLooks(looks) },
    [...(status ? [describeStatus(status)] : []), ...describeLooks(looks)].join('\n\n'),
  )
  if (signal.aborted) return EXIT.interrupted
  if (failed.length > 0) return EXIT.someFailed
  const isClean = drifted.length === 0 && (status?.exceptions ?? []).length === 0
  return wish.check && !isClean ? EXIT.notClean : EXIT.done
}

async function look(
  { output }: CommandContext,
  { core, tenancy, connections }: Databases,
  { only, concurrency }: VerifyWish,
  signal: AbortSignal,
): Promise<Looks> {
  const drifted: Drifted[] = []
  const failed: { id: Id; error: string }[] = []
  const tell = (outcome: DriftOutcome): void => {
    const { tenantId: id } = outcome
    if ('error' in outcome) {
      failed.push({ id, error: outcome.error })
      output.note(`${id}: ${outcome.error}`)
    } else if (outcome.result) drifted.push({ id, ...outcome.result })
  }
  const options = { core, tenancy, only, signal, concurrency: Math.min(concurrency, connections) }
  return { report: await lookForDrift(options, tell), drifted, failed }
}

function presentLooks({ report: { tenants, succeeded, failed: failures }, drifted, failed }: Looks) {
  return {
    tenants,
    clean: succeeded - drifted.length,
    drifted: inOrder(drifted),
    failed: inOrder(failed),
    not_tried: tenants - succeeded - failures,
  }
}

function describeLooks({ report: { tenants, succeeded, failed }, drifted }: Looks): string[] {
  const rows = inOrder(drifted).flatMap(({ id, differences, more }) => [
    ...differences.map((difference) => [id, difference]),
    ...(more > 0 ? [[id, `… and ${more} more`]] : []),
  ])
  const counts = [
    `${succeeded} looked into`,
    `${drifted.length} drifted`,
    ...(failed > 0 ? [`${failed} could not be looked into`] : []),
    ...(tenants > succeeded + failed ? [`${tenants - succeeded - failed} not tried`] : []),
  ]
  return [...(rows.length > 0 ? [table(['DRIFTED', 'DIFFERENCE'], rows)] : []), counts.join(', ')]
}

/** Several are looked at at once, and end as they end. */
function inOrder<T extends { readonly id: Id }>(found: readonly T[]): T[] {
  return found.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}
