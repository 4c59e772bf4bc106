import { httpErrors } from '../http/index.ts'
import { atMost, currentAbandonment, type Id } from '../platform/index.ts'
import { type CoreDb, noteAnnounced, tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { CREATE_WAIT_MS, createBegin, type OrganizationServiceOptions } from './births.ts'
import { answerOnce, type Creation, keyedRequest } from './keyed-requests.ts'
import { slugProblem } from './slug.ts'
import { findOrganization, listOwnedOrganizations, type Organization } from './store.ts'

export interface OrganizationService {
  /**
   * Makes an organization and its database. One of the same owner and name whose request failed is finished, or answered,
   * instead: a request that failed can simply be made again. With a key it is that key's organization instead, and no
   * other.
   *
   * @throws httpErrors.validationFailed, httpErrors.rateLimited, organizationErrors.slugTaken, tenancyErrors.tenantNotReady;
   *   with a key also organizationErrors.idempotencyMismatch and idempotencyConflict
   */
  create(
    owner: CoreUser,
    wish: { name: string; slug?: string | undefined },
    key?: string | undefined,
  ): Promise<Creation>
  /** Oldest first. */
  listOwned(owner: CoreUser): Promise<Organization[]>
  /** @throws httpErrors.notFound, also when it is somebody else's */
  findOwned(owner: CoreUser, id: Id): Promise<Organization>
}

export function createOrganizationService(options: OrganizationServiceOptions): OrganizationService {
  const { core, log, createWaitMs = CREATE_WAIT_MS } = options
  const begin = createBegin(options)

  /** A look must not fail because nothing can be written at the moment. */
  async function seen({ id, isUnannounced, status }: Organization): Promise<void> {
    if (!isUnannounced || status !== 'active') return
    await noteAnnounced(core, id, true).catch((error) =>
      log.warn({ err: error, tenant_id: id }, 'that an organization was shown could not be noted'),
    )
  }

  return {
    create: async (owner, { name: written, slug }, key) => {
      const problem = slug === undefined ? undefined : slugProblem(slug)
      if (problem) throw httpErrors.validationFailed({ errors: [{ pointer: '/slug', code: problem }] })
      const name = written.normalize('NFC')
      const request = key === undefined ? undefined : keyedRequest(owner, key, { name, slug })
      const birth = await begin(owner, name, slug, request)
      if (birth.answer) return { organization: birth.answer, isReplay: true }
      const finished = await atMost(createWaitMs, birth.finish(), (error) =>
        log.error(
          { err: error, tenant_id: birth.id },
          'an organization could not be finished in the background',
        ),
      )
      const organization = finished ?? (await findOwned(core, owner, birth.id))
      if (organization.status === 'failed') throw tenancyErrors.tenantNotReady()
      // Whoever is answered while the work goes on may ask again instead of looking: then it is this one, not a second.
      // So may one whose client has gone.
      const isHeard = organization.status !== 'provisioning' && !currentAbandonment()?.isAbandoned
      if (organization.isUnannounced === isHeard) await noteAnnounced(core, birth.id, isHeard)
      return await answerOnce(core, organization, request)
    },
    listOwned: async (owner) => {
      const owned = await listOwnedOrganizations(core, owner.id)
      for (const organization of owned) await seen(organization)
      return owned
    },
    findOwned: async (owner, id) => {
      const organization = await findOwned(core, owner, id)
      await seen(organization)
      return organization
    },
  }
}

async function findOwned(core: CoreDb, owner: CoreUser, id: Id): Promise<Organization> {
  const organization = await findOrganization(core, id)
  if (organization?.ownerId !== owner.id)
    throw httpErrors.notFound({ detail: 'There is no such organization among yours.' })
  return organization
}
