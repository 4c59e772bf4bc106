import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { httpErrors } from '../http/index.ts'
import type { Id, Logger } from '../platform/index.ts'
import type { CoreDb, CoreTx, Tenancy } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import { findEarlier } from './keyed-requests.ts'
import type { OrganizationBody } from './schemas.ts'
import { slugOf } from './slug.ts'
import {
  countMadeToday,
  findOrganization,
  findUnansweredOrganization,
  insertOrganization,
  insertRequest,
  isSlugTaken,
  type KeyedRequest,
  type Organization,
} from './store.ts'

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
export interface Birth {
  readonly id: Id
  /** Gives the organization where it is known without a look into the core database. */
  readonly finish: () => Promise<Organization | undefined>
  /** How the same request was answered before. */
  readonly answer?: OrganizationBody | undefined
}

/** What the request that began a birth knows already, and a look into the core database would cost a millisecond. */
export class KnownBirth {
  readonly organization: Organization
  readonly owner: CoreUser

  constructor(organization: Organization, owner: CoreUser) {
    this.organization = organization
    this.owner = owner
  }
}

/** Rolls a reservation back, because its key is in use. */
class KeyInUse extends Error {}

/** Default of `createWaitMs`. */
export const CREATE_WAIT_MS = 10_000
const POLL_MS = 200
/** A derived slug that is taken gets a random number; with a million of them a second collision is already rare. */
const DERIVED_SLUG_TRIES = 5

/** Gives the function that reserves a new organization, or finds the one that an earlier request reserved. */
export function createBegin(options: OrganizationServiceOptions) {
  const { core, tenancy, createWaitMs = CREATE_WAIT_MS } = options
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
    const until = performance.now() + createWaitMs
    while (!(await tenancy.provisioner.resume(id, 'owner'))) {
      const organization = await findOrganization(core, id)
      // Its request is answered by then, and the next one looks for itself.
      if (organization?.status !== 'provisioning' || performance.now() > until) return undefined
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
      const birth = (await reserve(options, { owner, name, slug }, request)) ?? (await findBegun())
      if (birth) return birth
    }
    throw organizationErrors.slugTaken()
  }
}

/** Record, tenant and key in one transaction; `undefined` when the slug is taken, or the key in use. */
async function reserve(
  { core, tenancy, perDay = Number.POSITIVE_INFINITY }: OrganizationServiceOptions,
  { owner, name, slug }: { owner: CoreUser; name: string; slug: string },
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

/** Databases are the most expensive thing that anybody can ask for: the count is exact, also for requests at once. */
async function refuseMany(core: CoreTx, owner: CoreUser, perDay: number): Promise<void> {
  const { made, secondsLeft } = await countMadeToday(core, owner.id)
  if (made < perDay) return
  const detail = `You made ${made} organizations in 24 hours; "Retry-After" says when you may make the next.`
  throw httpErrors.rateLimited({ detail, retryAfter: Math.max(1, secondsLeft) })
}
