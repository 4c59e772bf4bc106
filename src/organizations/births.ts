import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Id, Logger } from '../platform/index.ts'
import type { CoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import { findEarlier } from './keyed-requests.ts'
import { type Birth, type FindBegun, type ReservationOptions, reserve } from './reservation.ts'
import { slugOf } from './slug.ts'
import { findOrganization, findUnansweredOrganization, type KeyedRequest } from './store.ts'

export interface OrganizationServiceOptions extends ReservationOptions {
  readonly log: Logger
  /** Milliseconds after which an organization is answered as it then is, while its making goes on. Default 10 s. */
  readonly createWaitMs?: number
}

/** Default of `createWaitMs`. */
export const CREATE_WAIT_MS = 10_000
const POLL_MS = 200
/** A derived slug that is taken gets a random number; with a million of them a second collision is already rare. */
const DERIVED_SLUG_TRIES = 5

/** Gives the function that reserves a new organization, or finds the one that an earlier request reserved. */
export function createBegin(options: OrganizationServiceOptions) {
  const { core, tenancy, createWaitMs = CREATE_WAIT_MS } = options
  /** What an earlier request of the same owner began, and nobody has answered yet. */
  const findUnanswered =
    (owner: CoreUser, name: string, slug?: string): FindBegun =>
    async (executor) => {
      const id = await findUnansweredOrganization(executor, { ownerId: owner.id, name, slug })
      return id === undefined ? undefined : { id, finish: () => takeUp(id) }
    }

  /** What an earlier request with the same key began. */
  const findRepeated =
    (request: KeyedRequest): FindBegun =>
    async (executor) => {
      const earlier = await findEarlier(executor, request, createWaitMs)
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
    const findBegun = request ? findRepeated(request) : findUnanswered(owner, name, wished)
    const base = wished ?? slugOf(name) ?? 'org'
    const tries = wished === undefined ? DERIVED_SLUG_TRIES : 1
    for (let attempt = 0; attempt < tries; attempt++) {
      const slug = attempt === 0 ? base : `${base}-${randomInt(1_000_000)}`
      const reserved = await reserve(options, { owner, name, slug }, findBegun, request)
      // Taken by the same request, sent twice at once: both get the one organization.
      const birth = reserved ?? (await findBegun(core))
      if (birth) return birth
    }
    throw organizationErrors.slugTaken()
  }
}
