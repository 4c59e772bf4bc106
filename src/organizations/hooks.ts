import type { Publisher } from '../events/index.ts'
import type { CoreDb, ProvisioningHooks } from '../tenancy/index.ts'
import { addOwner, rehearseOwner } from '../users/index.ts'
import { organizationCreated } from './audit.ts'
import type { OrganizationEvents } from './events.ts'
import { KnownBirth } from './reservation.ts'
import { findOrganization, findOwnerOf } from './store.ts'

/** What organizations add to the making of a tenant: its owner, and the news of it. */
export function organizationHooks(core: CoreDb, events: Publisher<OrganizationEvents>): ProvisioningHooks {
  return {
    seed: async (tenant, known, isFlushedLater = false) => {
      const owner = known instanceof KnownBirth ? known.owner : await findOwnerOf(core, tenant.tenantId)
      if (!owner) throw new Error('a tenant without an organization or an owner cannot be seeded')
      await addOwner(tenant, owner, isFlushedLater, (id) => organizationCreated(tenant.tenantId, id))
    },
    rehearse: rehearseOwner,
    activated: async (tenantId, known) => {
      const organization =
        known instanceof KnownBirth ? known.organization : await findOrganization(core, tenantId)
      if (!organization) return
      const { id, ownerId, name, slug, databaseName } = organization
      events.publish(
        'organization.created',
        { organizationId: id, ownerId, name, slug, databaseName },
        tenantId,
      )
    },
  }
}
