import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import {
  databaseFault,
  type Id,
  type Logger,
  messageOf,
  newId,
  runDetached,
  SingleFlight,
} from '../../platform/index.ts'
import type { TenantDirectory } from '../directory.ts'
import type { TenantServer } from '../servers/tenant-server.ts'
import type { CoreDb, CoreTx, TenantDb } from '../types.ts'
import { CLAIM_SECONDS, type ReservationOptions, reserveSpare, reserveTenant } from './reservation.ts'
import { createSteps, ForeignDatabaseError, type Journey, PROVISIONING_STEPS, type Step } from './steps.ts'
import {
  type Claim,
  type Claimant,
  claimTenant,
  finishTenant,
  noteUnheard,
  prolongClaim,
  recordFailure,
  recordStep,
  settleCreatedEvent,
} from './store.ts'

/**
 * What the owner of organizations adds to the birth of a tenant; all are called again after a crash. `known` is what the
 * one who called `complete` gave along, so that it need not be looked up.
 */
export interface ProvisioningHooks {
  /**
   * Fills a new database (the owner's user). Must be idempotent.
   *
   * @param isFlushedLater a later commit waits for the disk for this one too. Default false
   */
  seed(tenant: TenantDb, known?: unknown, isFlushedLater?: boolean): Promise<void>
  /** Runs what `seed` runs, without any effect: the first time a connection reads much of the catalogue. */
  rehearse(tenant: TenantDb): Promise<void>
  /** Runs after the tenant became active; once more when nobody knows whether it ran. */
  activated(tenantId: Id, known?: unknown): Promise<void>
}

export interface ProvisionerOptions extends ReservationOptions {
  readonly core: CoreDb
  readonly directory: TenantDirectory
  readonly installationId: () => Promise<Id>
  /** Most connections to one tenant's database, from all processes together. */
  readonly connectionLimit: number
  readonly tenantDb: (claim: Claim, server: TenantServer) => TenantDb
  readonly log: Logger
}

const HEARTBEAT_MS = 3_000
const MAX_ATTEMPTS = 5
/** About as long as a claim lasts. */
const GIVE_BACK_TRIES = 40
const GIVE_BACK_PAUSE_MS = 250
/** A spare has nobody who waits for it, so it is tried for ever, but not often. */
const MAX_PAUSE_SECONDS = 3_600

/**
 * Makes tenants: a recorded row first, then step by step until the tenant is active, or a spare. What a crash or a fault
 * interrupted is taken up again by any process's reconciler, or by the owner's next try.
 */
export class Provisioner {
  readonly #options: ProvisionerOptions
  readonly #steps: Readonly<Record<Step, (journey: Journey) => Promise<void>>>
  #hooks: ProvisioningHooks | undefined
  /** What this process works on: whoever wants the same tenant waits for it instead of working on it too. */
  readonly #running = new SingleFlight<Id, boolean>()
  readonly #notes = new Set<Promise<void>>()

  constructor(options: ProvisionerOptions) {
    this.#options = options
    this.#steps = createSteps({ ...options, seed: (...birth) => this.#need().seed(...birth) })
  }

  /** Says what organizations add; called once, at start-up. */
  use(hooks: ProvisioningHooks): void {
    this.#hooks = hooks
  }

  /**
   * Takes a spare, or writes a new tenant's record, in the caller's transaction, and gives the claim with which to go on
   * after its commit. The organization must get the claim's `tenantId`. Takes and throws what `reserveTenant` does.
   */
  reserve(core: CoreTx, tenantId?: Id): Promise<Claim> {
    return reserveTenant(this.#options, core, tenantId)
  }

  /** Brings a connection to a spare to the point where seeding costs least. */
  async rehearse(tenant: TenantDb): Promise<void> {
    await this.#need().rehearse(tenant)
  }

  /** Writes the record of a spare in the caller's transaction; `complete` makes it after its commit. */
  reserveSpare(core: CoreTx, serverId: Id): Promise<Claim> {
    return reserveSpare(this.#options, core, serverId)
  }

  /**
   * Carries a claimed provisioning to its end. False when another process took it over, because this one was too slow.
   *
   * @param known is handed to the hooks
   * @throws what a step threw, after having recorded it; the provisioning is resumed later
   */
  async complete(claim: Claim, known?: unknown): Promise<boolean> {
    const mine = this.#run(claim.tenantId, () => this.#carryOut(claim, known))
    // Shared with a `resume` that came first, it found this very claim in its way: then it is our turn.
    return (await mine) || (await this.#run(claim.tenantId, () => this.#carryOut(claim, known)))
  }

  /**
   * Takes up an unfinished provisioning, or waits for the end of one that this process is at. False when another process
   * is at it, or it is finished.
   *
   * @param by the reconciler observes the pause after a failure, the owner need not
   * @throws what `complete` throws
   */
  resume(tenantId: Id, by: Claimant): Promise<boolean> {
    return this.#run(tenantId, async () => {
      const claim = await claimTenant(this.#options.core, { tenantId, token: newId(), by }, CLAIM_SECONDS)
      return claim !== undefined && (await this.#carryOut(claim))
    })
  }

  /** Tells of a tenant that became active. The tenant is active whatever becomes of the news. */
  async tellActivated(tenantId: Id, known?: unknown): Promise<void> {
    try {
      await this.#need().activated(tenantId, known)
    } catch (error) {
      this.#notTold(tenantId, error)
      return
    }
    // Nobody waits for the note: without it the news is only told once more. Handlers begin before it is written.
    const noted = nextTurn()
      .then(() => settleCreatedEvent(this.#options.core, tenantId))
      .catch((error) => this.#notTold(tenantId, error))
      .finally(() => this.#notes.delete(noted))
    this.#notes.add(noted)
  }

  /** Resolves when nothing is being noted any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#notes)
  }

  #notTold(tenantId: Id, error: unknown): void {
    this.#options.log.error({ err: error, tenant_id: tenantId }, 'telling of a new tenant failed')
  }

  /** Goes on when the client of the request that began it hangs up. */
  #run(tenantId: Id, work: () => Promise<boolean>): Promise<boolean> {
    return this.#running.run(tenantId, () => runDetached(work))
  }

  /** False when the claim was lost on the way: the one who has it now does the rest. */
  async #carryOut(claim: Claim, known?: unknown): Promise<boolean> {
    const { core, directory, servers } = this.#options
    const heartbeat = setInterval(() => void this.#prolong(claim), HEARTBEAT_MS)
    let isFinishing = false
    try {
      const journey = { claim, known, server: await servers.get(claim.serverId), isAdopted: false }
      if (!(await this.#walk(journey))) return false
      isFinishing = true
      if (!(await finishTenant(core, claim, journey.server.template.schema))) return false
    } catch (error) {
      await this.#fail(claim, error, isFinishing)
      throw error
    } finally {
      clearInterval(heartbeat)
      directory.invalidate(claim.tenantId)
    }
    if (claim.goal === 'active') await this.tellActivated(claim.tenantId, known)
    return true
  }

  /** False when the claim was lost on the way. */
  async #walk(journey: Journey): Promise<boolean> {
    const { claim } = journey
    if (claim.wasSpare && (await this.#moveInto(journey))) return true
    // Whoever lost the claim would give the role a password that may have been changed since.
    if (!(await prolongClaim(this.#options.core, claim, CLAIM_SECONDS))) return false
    for (const step of stepsOf(claim)) {
      await this.#steps[step](journey)
      if (!(await recordStep(this.#options.core, claim, step, CLAIM_SECONDS))) return false
    }
    return true
  }

  /** Gives a spare its owner, which is recorded with the end. False when the spare must be made anew. */
  async #moveInto(journey: Journey): Promise<boolean> {
    try {
      await this.#steps.owner(journey)
      return true
    } catch (error) {
      // Spoiled behind our back. Nobody has ever been in it.
      if (!isSpoiled(error)) throw error
      this.#options.log.warn({ err: error, tenant_id: journey.claim.tenantId }, 'a spare was spoiled')
      return false
    }
  }

  async #prolong(claim: Claim): Promise<void> {
    // One heartbeat may fail; the step in progress finds out what is wrong.
    await prolongClaim(this.#options.core, claim, CLAIM_SECONDS).catch(() => undefined)
  }

  async #fail(claim: Claim, error: unknown, isFinishing: boolean): Promise<void> {
    // A server that is away or busy says nothing about this tenant, so it does not bring it nearer to giving up.
    const attempts = isPassing(error) ? claim.attempts : claim.attempts + 1
    const isHopeless = error instanceof ForeignDatabaseError || attempts >= MAX_ATTEMPTS
    const failure = {
      isFinal: isHopeless && claim.goal === 'active',
      attempts,
      message: messageOf(error).slice(0, 500),
      retrySeconds: Math.min(2 ** attempts, MAX_PAUSE_SECONDS),
    }
    const record = async () => {
      const isRecorded = await recordFailure(this.#options.core, claim, failure)
      // It was finished all the same, and the answer got lost: whoever asks again must get this one.
      if (!isRecorded && isFinishing && claim.by === 'owner') await noteUnheard(this.#options.core, claim)
    }
    await record().catch(() => void this.#giveBack(record))
  }

  /** Where the core database is what failed, it is told when it is back. Should that take long, the claim runs out. */
  async #giveBack(record: () => Promise<void>): Promise<void> {
    for (let tries = 1; tries <= GIVE_BACK_TRIES; tries++) {
      await pause(GIVE_BACK_PAUSE_MS, undefined, { ref: false })
      const isTold = await record().then(
        () => true,
        () => false,
      )
      if (isTold) return
    }
  }

  #need(): ProvisioningHooks {
    if (!this.#hooks) throw new Error('the provisioner was not told what to seed')
    return this.#hooks
  }
}

/** A spare stays without an owner. */
function stepsOf({ goal }: Claim): readonly Step[] {
  return goal === 'spare' ? PROVISIONING_STEPS.filter((step) => step !== 'owner') : PROVISIONING_STEPS
}

/** Whether a spare's database or role is gone or not what it was. */
function isSpoiled(error: unknown): boolean {
  const fault = databaseFault(error)
  return fault === 'missing-database' || fault === 'forbidden' || fault === 'schema-mismatch'
}

function isPassing(error: unknown): boolean {
  const fault = databaseFault(error)
  if (fault) return fault === 'unavailable' || fault === 'overloaded' || fault === 'timeout'
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'overloaded' || error.code === 'database-unavailable')
  )
}
