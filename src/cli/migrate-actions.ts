import { DEFAULT_SETTINGS } from '../fleet/index.ts'
import { type Id, isId, MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { type CommandContext, requireVoice, UsageError } from './context.ts'
import type { DownConsent } from './data-loss.ts'
import { type Databases, withDatabases } from './databases.ts'
import type { ExitCode } from './exit-codes.ts'
import { consentToDown, migrateFleet, previewFleet } from './fleet/migrate.ts'
import { fleetOverview } from './fleet/overview.ts'
import { type FleetFlags, readSettings } from './fleet/settings.ts'
import { verifyFleet } from './fleet/verify.ts'
import { down, history, preview, status, type Target, up } from './migrate-one.ts'

/** The argument of most commands. */
export type Trees = 'core' | 'tenants'

/** The options of the commands together, as the command line gives them. */
export interface Selection extends FleetFlags, DownConsent {
  readonly tenant: readonly string[]
  readonly to?: string
  readonly steps?: string
  readonly dryRun?: boolean
  readonly verify?: boolean
  readonly check?: boolean
}

/** `migrate up` */
export async function runUp(context: CommandContext, which: Trees, options: Selection): Promise<ExitCode> {
  const { tenant, to, dryRun, verify = false } = options
  if (verify && !(dryRun && which === 'tenants'))
    throw new UsageError('--verify goes with --dry-run, on tenants.')
  const upTo = to === undefined ? {} : { to }
  const only = readTenants(tenant)
  const settings = readSettings(options)
  return await withDatabases(
    context,
    (databases) => {
      if (which === 'tenants' && (verify || !(dryRun && tenant.length > 0))) {
        const target = to ?? databases.migrations.tenant.latest
        if (target === undefined) throw new UsageError('There are no migration files for tenants.')
        const wish = { action: { direction: 'up', to: target } as const, settings, only }
        return dryRun
          ? previewFleet(context, databases, wish, verify)
          : migrateFleet(context, databases, wish)
      }
      return onOne(databases, which, tenant, (target) =>
        dryRun ? preview(context, target, upTo) : up(context, target, upTo),
      )
    },
    which === 'core' && !dryRun ? 'create' : 'expect',
  )
}

/** `migrate down` */
export async function runDown(context: CommandContext, which: Trees, options: Selection): Promise<ExitCode> {
  const { to, tenant } = options
  const steps = readSteps(options.steps)
  if (to !== undefined && steps !== undefined) throw new UsageError('--steps and --to exclude each other.')
  const downTo = to === undefined ? { steps: steps ?? 1 } : { to }
  const only = readTenants(tenant)
  requireVoice(context, options.yes ?? false, 'This takes migrations back and may lose data.')
  const { allowDataLoss: mayLoseData = false } = options
  const wish = {
    action: { direction: 'down', mayLoseData, ...downTo } as const,
    settings: readSettings(options),
    only,
  }
  return await withDatabases(context, async (databases) => {
    if (which === 'core') {
      return await onOne(databases, which, tenant, (target) => down(context, target, downTo, options))
    }
    await consentToDown(context, databases, wish, options)
    return await migrateFleet(context, databases, wish)
  })
}

/** `migrate status` */
export async function runStatus(
  context: CommandContext,
  which: Trees,
  options: Selection,
): Promise<ExitCode> {
  const { tenant, check = false, verify = false } = options
  if (verify && which === 'core') throw new UsageError('--verify goes with tenants.')
  const only = readTenants(tenant)
  const { concurrency = DEFAULT_SETTINGS.concurrency } = readSettings(options)
  return await withDatabases(context, (databases) => {
    if (verify) return verifyFleet(context, databases, { only, concurrency, check })
    return which === 'tenants' && !only
      ? fleetOverview(context, databases, check)
      : onOne(databases, which, tenant, (target) => status(context, target, check))
  })
}

/** `migrate history` */
export async function runHistory(
  context: CommandContext,
  which: Trees,
  options: Selection,
): Promise<ExitCode> {
  return await withDatabases(context, (databases) =>
    onOne(databases, which, options.tenant, (target) => history(context, target)),
  )
}

/** Opens the core database, or the one tenant's that was named, for a command about a single database. */
async function onOne(
  { tenancy, databaseUrl, migrations }: Databases,
  which: Trees,
  tenants: readonly string[],
  work: (target: Target) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (which === 'core') {
    if (tenants.length > 0) throw new UsageError('--tenant goes with tenants, not with core.')
    const core = { url: databaseUrl, applicationName: 'tenantry migrations', timeouts: MAINTENANCE_TIMEOUTS }
    return await withConnection(core, (connection) =>
      work({ label: 'core', migrations: migrations.core, connection }),
    )
  }
  const [id, ...more] = readTenants(tenants) ?? []
  if (id === undefined || more.length > 0) throw new UsageError('Name exactly one tenant with --tenant ID.')
  const tenant = await tenancy.find(id)
  if (!tenant) throw new UsageError(`There is no tenant ${id}.`)
  return await tenancy.maintain(tenant, (connection) =>
    work({ label: tenant.id, migrations: migrations.tenant, connection }),
  )
}

function readTenants(tenants: readonly string[]): readonly Id[] | undefined {
  const odd = tenants.find((id) => !isId(id))
  if (odd !== undefined) throw new UsageError('--tenant takes an organization id: a UUID in lower case.')
  return tenants.length > 0 ? [...new Set(tenants)] : undefined
}

function readSteps(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError('--steps takes a whole number from 1.')
  return Number(text)
}
