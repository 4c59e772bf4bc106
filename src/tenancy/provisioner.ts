import {
  type Connection,
  createDatabase,
  databaseFault,
  type Id,
  type Logger,
  messageOf,
  newId,
  SingleFlight,
} from '../platform/index.ts'
import type { ConnectionBroker } from './connection-broker.ts'
import type { TenantDirectory } from './directory.ts'
import { createSteps, ForeignDatabaseError, PROVISIONING_STEPS } from './provisioning-steps.ts'
import {
  activateTenant,
  type Claim,
  type Claimant,
  claimTenant,
  insertTenant,
  listUnclaimedIds,
  prolongClaim,
  recordFailure,
  recordStep,
} from './store.ts'
import { MAIN_SERVER_ID } from './tables.ts'
import type { TenantTemplate } from './template.ts'
import { type CoreDb, type CoreTx, type TenantDb, tenantDatabaseName } from './types.ts'

/** What the owner of organizations adds to the birth of a tenant; both are called again after a crash. */
export interface ProvisioningHooks {
  /** Fills a new database (the owner's user). Must be idempotent. */
  seed(tenant: TenantDb): Promise<void>
  /** Runs after the tenant became active. */
  activated(tenantId: Id): Promise<void>
}

export interface ProvisionerOptions {
  readonly core: CoreDb
  readonly directory: TenantDirectory
  readonly broker: ConnectionBroker
  readonly template: TenantTemplate
  readonly installationId: () => Promise<Id>
  readonly onServer: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>
  readonly log: Logger
}

/** How soon another process takes over what a dead one left; the living prolong their claims long before. */
const CLAIM_SECONDS = 10
const HEARTBEAT_MS = 3_000
const MAX_ATTEMPTS = 5
const RECONCILE_INTERVAL_MS = 2_000
const RECONCILE_BATCH = 10

/**
 * Makes tenants: a recorded row first, then step by step until the tenant is active. What a crash or a fault interrupted
 * is taken up again by any process's reconciler, or by the owner's next try.
 */
export class Provisioner {
  readonly #options: ProvisionerOptions
  readonly #steps: ReturnType<typeof createSteps>
  #hooks: ProvisioningHooks | undefined
  /** What this process works on: whoever wants the same tenant waits for it instead of working on it too. */
  readonly #running = new SingleFlight<Id, boolean>()
  #reconciling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: ProvisionerOptions) {
    this.#options = options
    this.#steps = createSteps({
      ...options,
      tenantDb: (tenantId) => this.#tenantDb(tenantId),
      seed: (tenant) => this.#need().seed(tenant),
    })
  }

  /** Says what organizations add; called once, at start-up. */
  use(hooks: ProvisioningHooks): void {
    this.#hooks = hooks
  }

  /** Writes the tenant's record in the caller's transaction and gives the claim with which to go on after its commit. */
  async reserve(core: CoreTx, tenantId: Id): Promise<Claim> {
    const databaseName = tenantDatabaseName(tenantId)
    const token = newId()
    await insertTenant(
      core,
      { id: tenantId, serverId: MAIN_SERVER_ID, databaseName, claimToken: token },
      CLAIM_SECONDS,
    )
    return { tenantId, databaseName, token, attempts: 0, by: 'owner' }
  }

  /**
   * Carries a claimed provisioning to its end. False when another process took it over, because this one was too slow.
   *
   * @throws what a step threw, after having recorded it; the provisioning is resumed later
   */
  async complete(claim: Claim): Promise<boolean> {
    const mine = this.#running.run(claim.tenantId, () => this.#carryOut(claim))
    // Shared with a `resume` that came first, it found this very claim in its way: then it is our turn.
    return (await mine) || (await this.#running.run(claim.tenantId, () => this.#carryOut(claim)))
  }

  /**
   * Takes up an unfinished provisioning, or waits for the end of one that this process is at. False when another process
   * is at it, or it is finished.
   *
   * @param by the reconciler observes the pause after a failure, the owner need not
   * @throws what `complete` throws
   */
  resume(tenantId: Id, by: Claimant): Promise<boolean> {
    return this.#running.run(tenantId, async () => {
      const claim = await claimTenant(this.#options.core, { tenantId, token: newId(), by }, CLAIM_SECONDS)
      return claim !== undefined && (await this.#carryOut(claim))
    })
  }

  /** Takes up, now and then, what a crash or a fault left unfinished. */
  start(): void {
    const tick = () => {
      this.#reconciling ??= this.reconcile()
        .catch((error) => this.#options.log.error({ err: error }, 'reconciling tenants failed'))
        .finally(() => {
          this.#reconciling = undefined
        })
    }
    this.#timer = setInterval(tick, RECONCILE_INTERVAL_MS).unref()
    tick()
  }

  /** Ends the reconciler after what it is doing now. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reconciling
  }

  /** One look for unfinished provisionings. One that fails stops none of the others. */
  async reconcile(): Promise<void> {
    const { core, log } = this.#options
    for (const tenantId of await listUnclaimedIds(core, RECONCILE_BATCH)) {
      try {
        const isDone = await this.resume(tenantId, 'reconciler')
        if (isDone) log.info({ tenant_id: tenantId }, 'an interrupted provisioning was completed')
      } catch (error) {
        log.error({ err: error, tenant_id: tenantId }, 'provisioning failed')
      }
    }
  }

  /** False when the claim was lost on the way: the one who has it now does the rest. */
  async #carryOut(claim: Claim): Promise<boolean> {
    const { core, directory, template } = this.#options
    const heartbeat = setInterval(() => void this.#prolong(claim), HEARTBEAT_MS)
    try {
      for (const step of PROVISIONING_STEPS) {
        await this.#steps[step](claim)
        if (!(await recordStep(core, claim, step, CLAIM_SECONDS))) return false
      }
      if (!(await activateTenant(core, claim, template.schema))) return false
    } catch (error) {
      await this.#fail(claim, error)
      throw error
    } finally {
      clearInterval(heartbeat)
      directory.invalidate(claim.tenantId)
    }
    await this.#tellActivated(claim.tenantId)
    return true
  }

  async #prolong(claim: Claim): Promise<void> {
    // One heartbeat may fail; the step in progress finds out what is wrong.
    await prolongClaim(this.#options.core, claim, CLAIM_SECONDS).catch(() => undefined)
  }

  async #fail(claim: Claim, error: unknown): Promise<void> {
    // A server that is away or busy says nothing about this tenant, so it does not bring it nearer to giving up.
    const attempts = isPassing(error) ? claim.attempts : claim.attempts + 1
    const isFinal = error instanceof ForeignDatabaseError || attempts >= MAX_ATTEMPTS
    const failure = {
      status: isFinal ? ('failed' as const) : ('provisioning' as const),
      attempts,
      message: messageOf(error).slice(0, 500),
      retrySeconds: 2 ** attempts,
    }
    // Where the core database is what failed, nothing can be recorded; the claim then runs out by itself.
    await recordFailure(this.#options.core, claim, failure).catch(() => undefined)
  }

  /** The tenant is active whatever becomes of the news. */
  async #tellActivated(tenantId: Id): Promise<void> {
    try {
      await this.#need().activated(tenantId)
    } catch (error) {
      this.#options.log.error({ err: error, tenant_id: tenantId }, 'telling of a new tenant failed')
    }
  }

  #tenantDb(tenantId: Id): TenantDb {
    const source = this.#options.broker.sourceFor(tenantDatabaseName(tenantId))
    return { ...createDatabase('tenant', source), tenantId }
  }

  #need(): ProvisioningHooks {
    if (!this.#hooks) throw new Error('the provisioner was not told what to seed')
    return this.#hooks
  }
}

function isPassing(error: unknown): boolean {
  const fault = databaseFault(error)
  if (fault) return fault === 'unavailable' || fault === 'overloaded' || fault === 'timeout'
  return error instanceof Error && 'code' in error && error.code === 'overloaded'
}
