import { recordAudit } from '../../audit/index.ts'
import { organizationAudit } from '../../organizations/index.ts'
import { type Id, messageOf } from '../../platform/index.ts'
import { isComplete, listTenants } from '../../tenancy/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { findNamed } from './find.ts'

export interface RotationTarget {
  readonly id: string | undefined
  readonly all: boolean
}

interface Outcome {
  readonly id: Id
  readonly version?: number
  readonly error?: unknown
}

/** Gives one tenant's role a new password, or every tenant's; with all of them a failure stops none of the others. */
export async function rotate(
  { output }: CommandContext,
  databases: Databases,
  { id, all }: RotationTarget,
): Promise<ExitCode> {
  if (all === (id !== undefined)) throw new UsageError('Name one tenant, or say --all.')
  if (id !== undefined) {
    const tenant = await findNamed(databases, id)
    const version = await rotateOne(databases, tenant.id)
    output.data({ id, credentials_version: version }, `${id}: credentials version ${version}`)
    return EXIT.done
  }
  const outcomes: Outcome[] = []
  for (const tenant of (await listTenants(databases.core)).filter(isComplete)) {
    const outcome = await attempt(databases, tenant.id)
    outcomes.push(outcome)
    if (outcome.error !== undefined) output.note(`${outcome.id}: ${messageOf(outcome.error)}`)
  }
  const failed = outcomes.filter(({ error }) => error !== undefined).length
  output.data(
    {
      tenants: outcomes.map((outcome) => ({
        id: outcome.id,
        credentials_version: outcome.version ?? null,
        ...(outcome.error !== undefined && { error: messageOf(outcome.error) }),
      })),
      succeeded: outcomes.length - failed,
      failed,
    },
    `${outcomes.length - failed} done, ${failed} failed`,
  )
  return failed > 0 ? EXIT.someFailed : EXIT.done
}

function rotateOne({ tenancy }: Databases, id: Id): Promise<number> {
  const target = { kind: 'organization', id }
  const rotated = organizationAudit('organization.credentials_rotated', {
    actor: { kind: 'operator' },
    target,
  })
  return tenancy.rotateCredentials(id, (tx) => recordAudit(tx, rotated))
}

async function attempt(databases: Databases, id: Id): Promise<Outcome> {
  try {
    return { id, version: await rotateOne(databases, id) }
  } catch (error) {
    return { id, error }
  }
}
