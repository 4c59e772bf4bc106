import { allowanceHeaders, httpErrors, type RatePolicy } from '../http/index.ts'
import { type Id, isAfterFailure } from '../platform/index.ts'
import type { CoreDb, CoreExecutor, CoreTx, Tenancy } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import type { OrganizationBody } from './schemas.ts'
import {
  countMadeToday,
  insertOrganization,
  insertRequest,
  isSlugTaken,
  type KeyedRequest,
  type Organization,
} from './store.ts'

export interface ReservationOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
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

/** Rolls a reservation back: the same request began something before, or its key is in use. */
class NotReserved extends Error {
  readonly begun: Birth | undefined

  constructor(begun?: Birth) {
    super()
    this.begun = begun
  }
}

/** Finds what the same request began before. */
export type FindBegun = (core: CoreExecutor) => Promise<Birth | undefined>

/**
 * Record, tenant and key in one transaction, or what the same request began before; `undefined` when the slug is taken,
 * or the key in use.
 */
export async function reserve(
  options: ReservationOptions,
  wish: { owner: CoreUser; name: string; slug: string },
  findBegun: FindBegun,
  request?: KeyedRequest,
): Promise<Birth | undefined> {
  try {
    const { claim, row } = await options.core.transaction(async (tx) => {
      const claim = await claimUnlessBegun(options, tx, wish.owner, findBegun)
      const organization = { id: claim.tenantId, name: wish.name, slug: wish.slug, ownerId: wish.owner.id }
      if (!request) return { claim, row: await insertOrganization(tx.last, organization) }
      const row = await insertOrganization(tx, organization)
      if (!(await insertRequest(tx, request, claim.tenantId))) throw new NotReserved()
      return { claim, row }
    })
    const { databaseName, tenantId } = claim
    const ready = { ...row, databaseName, status: 'active', isUnannounced: false } as const
    const known = new KnownBirth(ready, wish.owner)
    const finish = async () =>
      (await options.tenancy.provisioner.complete(claim, known)) ? ready : undefined
    return { id: tenantId, finish }
  } catch (error) {
    if (error instanceof NotReserved) return error.begun
    if (isSlugTaken(error)) return undefined
    throw error
  }
}

/** Looks for what was begun and takes a tenant in one round trip; the transaction gives back what turns out needless. */
async function claimUnlessBegun(
  { tenancy, perDay = Number.POSITIVE_INFINITY }: ReservationOptions,
  tx: CoreTx,
  owner: CoreUser,
  findBegun: FindBegun,
) {
  const refusal = perDay < Number.POSITIVE_INFINITY ? await refusalOfMany(tx, owner, perDay) : undefined
  // Which of the two is sent first is the query builder's affair: the second fails with the first.
  const [begun, claim] = await Promise.allSettled([findBegun(tx), tenancy.provisioner.reserve(tx)])
  if (begun.status === 'fulfilled' && begun.value) throw new NotReserved(begun.value)
  const failures = [reasonOf(begun), refusal, reasonOf(claim)].filter((failure) => failure !== undefined)
  if (begun.status === 'fulfilled' && !refusal && claim.status === 'fulfilled') return claim.value
  throw failures.find((failure) => !isAfterFailure(failure)) ?? failures[0]
}

function reasonOf(settled: PromiseSettledResult<unknown>): unknown {
  return settled.status === 'rejected' ? settled.reason : undefined
}

/** As clients are told it; the number itself is configured. */
const PER_DAY: RatePolicy = { name: 'organizations-per-day', limit: 5, windowSeconds: 24 * 3_600 }

/** Databases are the most expensive thing that anybody can ask for: the count is exact, also for requests at once. */
async function refusalOfMany(core: CoreTx, owner: CoreUser, perDay: number) {
  const { made, secondsLeft } = await countMadeToday(core, owner.id)
  if (made < perDay) return undefined
  const detail = `You made ${made} organizations in 24 hours; "Retry-After" says when you may make the next.`
  const resetSeconds = Math.max(1, Math.ceil(secondsLeft))
  const headers = allowanceHeaders({ policy: PER_DAY, limit: perDay, left: 0, resetSeconds })
  return httpErrors.rateLimited({ detail, retryAfter: resetSeconds, headers })
}
