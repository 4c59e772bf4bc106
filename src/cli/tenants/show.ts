import { findOrganization, type Organization } from '../../organizations/index.ts'
import { findServer, isSpare } from '../../tenancy/index.ts'
import { findCoreUser } from '../../users/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { fieldList } from '../output.ts'
import { findNamed } from './find.ts'

/** Everything that is recorded of one tenant, but no secret. */
export async function show({ output }: CommandContext, databases: Databases, id: string): Promise<ExitCode> {
  const tenant = await findNamed(databases, id)
  const server = await findServer(databases.core, tenant.serverId)
  const facts = {
    id: tenant.id,
    status: tenant.status,
    is_spare: isSpare(tenant),
    server: server?.name ?? null,
    region: server?.region ?? null,
    database_name: tenant.databaseName,
    schema_version: tenant.schemaVersion,
    migrations_applied: tenant.migrationsApplied,
    credentials_version: tenant.credentialsVersion,
    is_rotation_unfinished: tenant.sealedPreviousPassword !== null,
    provisioning_step: tenant.provisioningStep,
    provisioning_attempts: tenant.provisioningAttempts,
    last_error: tenant.lastError,
    is_claimed: tenant.claimToken !== null,
    claimed_until: tenant.claimedUntil?.toISOString() ?? null,
    is_created_event_due: tenant.isCreatedEventDue,
    epoch: tenant.epoch,
    created_at: tenant.createdAt.toISOString(),
    updated_at: tenant.updatedAt.toISOString(),
  }
  const organization = await describeOrganization(
    databases,
    await findOrganization(databases.core, tenant.id),
  )
  output.data({ ...facts, organization }, fieldList({ ...facts, ...prefixed(organization ?? {}) }))
  return EXIT.done
}

async function describeOrganization({ core }: Databases, organization: Organization | undefined) {
  if (!organization) return null
  const { name, slug, ownerId, isActive } = organization
  const owner = await findCoreUser(core, ownerId)
  return { name, slug, is_active: isActive, owner_id: ownerId, owner_email: owner?.email ?? null }
}

function prefixed(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [`organization_${key}`, value]))
}
