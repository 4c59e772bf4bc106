import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import type { Id, Logger } from '../platform/index.ts'
import {
  acknowledgeTenant,
  type CoreDb,
  type ProvisioningHooks,
  type Tenancy,
  tenancyErrors,
} from '../tenancy/index.ts'
import { addOwner, type CoreUser, findCoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import type { OrganizationEvents } from './events.ts'
import { slugOf, slugProblem } from './slug.ts'
import {
  findOrganization,
  findUnansweredOrganization,
  insertOrganization,
  isSlugTaken,
  listOwnedOrganizations,
  type Organization,
} from './store.ts'

export interface OrganizationService {
  /**
   * Makes an organization and its database. One of the same owner and name whose request failed is finished, or answered,
   * instead: a request that failed can simply be made again.
   *
   * @throws httpErrors.validationFailed, organizationErrors.slugTaken, tenancyErrors.tenantNotReady
   */
  create(owner: CoreUser, wish: { name: string; slug?: string | undefined }): Promise<Organization>
  /** Oldest first. */
  listOwned(owner: CoreUser): Promise<Organization[]>
  /** @throws httpErrors.notFound, also when it is somebody else's */
  findOwned(owner: CoreUser, id: Id): Promise<Organization>
}

export interface OrganizationServiceOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly log: Logger
  /** Milliseconds after which an organization is answered as it then is, while its making goes on. Default 10 s. */
  readonly createWaitMs?: number
}

/** Carries a reserved organization to its end. */
interface Birth {
  readonly id: Id
  readonly finish: () => Promise<unknown>
}

const CREATE_WAIT_MS = 10_000
const POLL_MS = 200
/** A derived slug that is taken gets a random number; with a million of them a second collision is already rare. */
const DERIVED_SLUG_TRIES = 5

export function createOrganizationService(options: OrganizationServiceOptions): OrganizationService {
  const { core, tenancy, log, createWaitMs = CREATE_WAIT_MS } = options

  /** Record and tenant in one transaction; `undefined` when the slug is taken. */
  async function reserve(owner: CoreUser, name: string, slug: string): Promise<Birth | undefined> {
    try {
      const claim = await core.transaction(async (tx) => {
        const reserved = await tenancy.provisioner.reserve(tx)
        await insertOrganization(tx, { id: reserved.tenantId, name, slug, ownerId: owner.id })
        return reserved
      })
      return { id: claim.tenantId, finish: () => tenancy.provisioner.complete(claim) }
    } catch (error) {
      if (isSlugTaken(error)) return undefined
      throw error
    }
  }

  /** What an earlier request of the same owner began, and nobody has answered yet. */
  async function findUnanswered(owner: CoreUser, name: string, slug?: string): Promise<Birth | undefined> {
    const id = await findUnansweredOrganization(core, { ownerId: owner.id, name, slug })
    return id === undefined ? undefined : { id, finish: () => takeUp(id) }
  }

  /** Finishes what is unfinished; where another process is at it, waits until it is done or dead. */
  async function takeUp(id: Id): Promise<void> {
    while (!(await tenancy.provisioner.resume(id, 'owner'))) {
      const organization = await findOrganization(core, id)
      if (organization?.status !== 'provisioning') return
      await sleep(POLL_MS)
    }
  }

  async function begin(owner: CoreUser, name: string, wished?: string): Promise<Birth> {
    const unanswered = await findUnanswered(owner, name, wished)
    if (unanswered) return unanswered
    const base = wished ?? slugOf(name) ?? 'org'
    const tries = wished === undefined ? DERIVED_SLUG_TRIES : 1
    for (let attempt = 0; attempt < tries; attempt++) {
      const slug = attempt === 0 ? base : `${base}-${randomInt(1_000_000)}`
      // Taken by the same request, sent twice at once: both get the one organization.
      const birth = (await reserve(owner, name, slug)) ?? (await findUnanswered(owner, name, wished))
      if (birth) return birth
    }
    throw organizationErrors.slugTaken()
  }

  return {
    create: async (owner, wish) => {
      const problem = wish.slug === undefined ? undefined : slugProblem(wish.slug)
      if (problem) throw httpErrors.validationFailed({ errors: [{ pointer: '/slug', code: problem }] })
      const birth = await begin(owner, wish.name.normalize('NFC'), wish.slug)
      await atMost(createWaitMs, birth.finish(), (error) =>
        log.error(
          { err: error, tenant_id: birth.id },
          'an organization could not be finished in the background',
        ),
      )
      const organization = await findOwned(core, owner, birth.id)
      if (organization.status === 'failed') throw tenancyErrors.tenantNotReady()
      if (organization.isUnannounced) await acknowledgeTenant(core, birth.id)
      return organization
    },
    listOwned: (owner) => listOwnedOrganizations(core, owner.id),
    findOwned: (owner, id) => findOwned(core, owner, id),
  }
}

/** What organizations add to the making of a tenant: its owner, and the news of it. */
export function organizationHooks(core: CoreDb, events: Publisher<OrganizationEvents>): ProvisioningHooks {
  return {
    seed: async (tenant) => {
      const organization = await findOrganization(core, tenant.tenantId)
      const owner = organization && (await findCoreUser(core, organization.ownerId))
      if (!owner) throw new Error('a tenant without an organization or an owner cannot be seeded')
      await addOwner(tenant, owner)
    },
    activated: async (tenantId) => {
      const organization = await findOrganization(core, tenantId)
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

async function findOwned(core: CoreDb, owner: CoreUser, id: Id): Promise<Organization> {
  const organization = await findOrganization(core, id)
  if (organization?.ownerId !== owner.id)
    throw httpErrors.notFound({ detail: 'There is no such organization among yours.' })
  return organization
}

/** Waits for `work`, but not longer than `ms`; a failure after that goes to `failedLater`. */
async function atMost(
  ms: number,
  work: Promise<unknown>,
  failedLater: (error: unknown) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'late')
  })
  try {
    if ((await Promise.race([work, timeout])) === 'late') work.catch(failedLater)
  } finally {
    clearTimeout(timer)
  }
}
