import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import type { Id, Logger } from '../platform/index.ts'
import {
  type CoreDb,
  type CoreTx,
  noteAnnounced,
  type ProvisioningHooks,
  type Tenancy,
  tenancyErrors,
} from '../tenancy/index.ts'
import { addOwner, type CoreUser, rehearseOwner } from '../users/index.ts'
import { atMost } from './at-most.ts'
import { organizationErrors } from './errors.ts'
import type { OrganizationEvents } from './events.ts'
import { answerOnce, type Creation, findEarlier, keyedRequest } from './keyed-requests.ts'
import type { OrganizationBody } from './schemas.ts'
import { slugOf, slugProblem } from './slug.ts'
import {
  countMadeToday,
  findOrganization,
  findOwnerOf,
  findUnansweredOrganization,
  insertOrganization,
  insertRequest,
  isSlugTaken,
  type KeyedRequest,
  listOwnedOrganizations,
  type Organization,
} from './store.ts'

export interface OrganizationService {
  /**
   * Makes an organization and its database. One of the same owner and name whose request failed is finished, or answered,
   * instead: a request that failed can simply be made again. With a key it is that key's organization instead, and no
   * other.
   *
   * @throws httpErrors.validationFailed, httpErrors.rateLimited, organizationErrors.slugTaken, tenancyErrors.tenantNotReady; with a key also
   *   organizationErrors.idempotencyMismatch and idempotencyConflict
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

export interface OrganizationServiceOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly log: Logger
  /** Milliseconds after which an organization is answered as it then is, while its making goes on. Default 10 s. */
  readonly createWaitMs?: number
  /** Most organizations that one user makes in 24 hours. Default: any number. */
  readonly perDay?: number
}

/** Carries a reserved organization to its end. */
interface Birth {
  readonly id: Id
  /** Gives the organization where it is known without a look into the core database. */
  readonly finish: () => Promise<Organization | undefined>
  /** How the same request was answered before. */
  readonly answer?: OrganizationBody | undefined
}

/** What the request that began a birth knows already, and a look into the core database would cost a millisecond. */
class KnownBirth {
  readonly organization: Organization
  readonly owner: CoreUser

  constructor(organization: Organization, owner: CoreUser) {
    this.organization = organization
    this.owner = owner
  }
}

/** Rolls a reservation back, because its key is in use. */
class KeyInUse extends Error {}

const CREATE_WAIT_MS = 10_000
const POLL_MS = 200
/** A derived slug that is taken gets a random number; with a million of them a second collision is already rare. */
const DERIVED_SLUG_TRIES = 5

/** Gives the function that reserves a new organization, or finds the one that an earlier request reserved. */
function createBegin(options: OrganizationServiceOptions) {
  const { core, tenancy, createWaitMs = CREATE_WAIT_MS, perDay = Number.POSITIVE_INFINITY } = options
  /** Record, tenant and key in one transaction; `undefined` when the slug is taken, or the key in use. */
  async function reserve(
    owner: CoreUser,
    name: string,
    slug: string,
    request?: KeyedRequest,
  ): Promise<Birth | undefined> {
    try {
      const { claim, row } = await core.transaction(async (tx) => {
        if (perDay < Number.POSITIVE_INFINITY) await refuseMany(tx, owner, perDay)
        const reserved = await tenancy.provisioner.reserve(tx)
        const { tenantId: id } = reserved
        const inserted = await insertOrganization(tx, { id, name, slug, ownerId: owner.id })
        if (request && !(await insertRequest(tx, request, id))) throw new KeyInUse()
        return { claim: reserved, row: inserted }
      })
      const ready = {
        ...row,
        databaseName: claim.databaseName,
        status: 'active',
        isUnannounced: false,
      } as const
      const known = new KnownBirth(ready, owner)
      const finish = async () => ((await tenancy.provisioner.complete(claim, known)) ? ready : undefined)
      return { id: claim.tenantId, finish }
    } catch (error) {
      if (isSlugTaken(error) || error instanceof KeyInUse) return undefined
      throw error
    }
  }

  /** What an earlier request of the same owner began, and nobody has answered yet. */
  async function findUnanswered(owner: CoreUser, name: string, slug?: string): Promise<Birth | undefined> {
    const id = await findUnansweredOrganization(core, { ownerId: owner.id, name, slug })
    return id === undefined ? undefined : { id, finish: () => takeUp(id) }
  }

  /** What an earlier request with the same key began. */
  async function findRepeated(request: KeyedRequest): Promise<Birth | undefined> {
    const earlier = await findEarlier(core, request, createWaitMs)
    if (!earlier) return undefined
    const { organizationId: id, answer } = earlier
    return { id, answer, finish: () => takeUp(id) }
  }

  /** Finishes what is unfinished; where another process is at it, waits until it is done or dead. */
  async function takeUp(id: Id): Promise<undefined> {
    while (!(await tenancy.provisioner.resume(id, 'owner'))) {
      const organization = await findOrganization(core, id)
      if (organization?.status !== 'provisioning') return undefined
      await sleep(POLL_MS)
    }
    return undefined
  }

  return async (owner: CoreUser, name: string, wished?: string, request?: KeyedRequest): Promise<Birth> => {
    const findBegun = () => (request ? findRepeated(request) : findUnanswered(owner, name, wished))
    const begun = await findBegun()
    if (begun) return begun
    const base = wished ?? slugOf(name) ?? 'org'
    const tries = wished === undefined ? DERIVED_SLUG_TRIES : 1
    for (let attempt = 0; attempt < tries; attempt++) {
      const slug = attempt === 0 ? base : `${base}-${randomInt(1_000_000)}`
      // Taken by the same request, sent twice at once: both get the one organization.
      const birth = (await reserve(owner, name, slug, request)) ?? (await findBegun())
      if (birth) return birth
    }
    throw organizationErrors.slugTaken()
  }
}

export function createOrganizationService(options: OrganizationServiceOptions): OrganizationService {
  const { core, log, createWaitMs = CREATE_WAIT_MS } = options
  const begin = createBegin(options)

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
      const isReady = organization.status !== 'provisioning'
      if (organization.isUnannounced === isReady) await noteAnnounced(core, birth.id, isReady)
      return await answerOnce(core, organization, request)
    },
    listOwned: (owner) => listOwnedOrganizations(core, owner.id),
    findOwned: async (owner, id) => {
      const organization = await findOwned(core, owner, id)
      if (organization.isUnannounced && organization.status === 'active') await noteAnnounced(core, id, true)
      return organization
    },
  }
}

/** What organizations add to the making of a tenant: its owner, and the news of it. */
export function organizationHooks(core: CoreDb, events: Publisher<OrganizationEvents>): ProvisioningHooks {
  return {
    seed: async (tenant, known, isDurableLater = false) => {
      const owner = known instanceof KnownBirth ? known.owner : await findOwnerOf(core, tenant.tenantId)
      if (!owner) throw new Error('a tenant without an organization or an owner cannot be seeded')
      await addOwner(tenant, owner, isDurableLater)
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

/** Databases are the most expensive thing that anybody can ask for: the count is exact, also for requests at once. */
async function refuseMany(core: CoreTx, owner: CoreUser, perDay: number): Promise<void> {
  const { made, secondsLeft } = await countMadeToday(core, owner.id)
  if (made < perDay) return
  const detail = `You made ${made} organizations in 24 hours; "Retry-After" says when you may make the next.`
  throw httpErrors.rateLimited({ detail, retryAfter: Math.max(1, secondsLeft) })
}

async function findOwned(core: CoreDb, owner: CoreUser, id: Id): Promise<Organization> {
  const organization = await findOrganization(core, id)
  if (organization?.ownerId !== owner.id)
    throw httpErrors.notFound({ detail: 'There is no such organization among yours.' })
  return organization
}
