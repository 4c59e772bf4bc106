import { httpErrors } from '../http/index.ts'
import { atMost, currentAbandonment, type Id } from '../platform/index.ts'
import { type CoreDb, noteAnnounced, tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { CREATE_WAIT_MS, createBegin, type OrganizationServiceOptions } from './births.ts'
import { answerOnce, type Creation, keyedRequest } from './keyed-requests.ts'
import { slugProblem } from './slug.ts'
import {
  findOrganizationOf,
  listOrganizationsOf,
  type Organization,
  type OrganizationOfMine,
} from './store.ts'

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
  /** Those that the user owns or is a member of, oldest first. */
  listMine(user: CoreUser): Promise<OrganizationOfMine[]>
  /** @throws httpErrors.notFound, also when it is somebody else's */
  findMine(user: CoreUser, id: Id): Promise<OrganizationOfMine>
}

export function createOrganizationService(options: OrganizationServiceOptions): OrganizationService {
  const { core, log, createWaitMs = CREATE_WAIT_MS } = options
  const begin = createBegin(options)

  /** A look must not fail because nothing can be written at the moment. */
  async function seen(user: CoreUser, { id, ownerId, isUnannounced, status }: Organization): Promise<void> {
    if (!isUnannounced || status !== 'active' || ownerId !== user.id) return
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
      const organization = finished ?? (await findMine(core, owner, birth.id))
      if (organization.status === 'failed') throw tenancyErrors.tenantNotReady()
      // Whoever is answered while the work goes on may ask again instead of looking: then it is this one, not a second.
      // So may one whose client has gone.
      const isHeard = organization.status !== 'provisioning' && !currentAbandonment()?.isAbandoned
      if (organization.isUnannounced === isHeard) await noteAnnounced(core, birth.id, isHeard)
      return await answerOnce(core, organization, request)
    },
    listMine: async (user) => {
      const mine = await listOrganizationsOf(core, user.id)
      for (const organization of mine) await seen(user, organization)
      return mine
    },
    findMine: async (user, id) => {
      const organization = await findMine(core, user, id)
      await seen(user, organization)
      return organization
    },
  }
}

async function findMine(core: CoreDb, user: CoreUser, id: Id): Promise<OrganizationOfMine> {
  const organization = await findOrganizationOf(core, user.id, id)
  if (!organization) throw httpErrors.notFound({ detail: 'There is no such organization among yours.' })
  return organization
}
