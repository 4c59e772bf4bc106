import { LRUCache } from 'lru-cache'
import type { MigrationSet } from '../../migrations/index.ts'
import {
  atMost,
  type Clock,
  type Id,
  type Logger,
  runDetached,
  WorkQueue,
  WorkQueueFullError,
} from '../../platform/index.ts'
import type { CoreDb, Maintain, SchemaPolicy, TenantRecord } from '../../tenancy/index.ts'
import { takeTurn } from '../turn.ts'
import { isHeldBack, recordVisit } from './store.ts'

export interface CatchUpOptions {
  readonly core: CoreDb
  readonly migrations: MigrationSet
  /** Most connections of this process to tenants of one server. */
  readonly connections: number
  readonly clock: Clock
  readonly log: Logger
}

/**
 * The databases of a server have other work: as many as the fleet's runs take by default would be a run. A tenant keeps its
 * place for longer than a request waits: after a deployment all of them come, and would be at the end again and again.
 */
const QUEUE = { running: 2, waiting: 1_000, maxWaitMs: 60_000 }
/** Requests need connections too. */
const LEFT_FOR_REQUESTS = 1
/**
 * A request has ten seconds in all. What takes longer goes on behind it, and those who come later do not wait for it: a long
 * migration would make every one of them late.
 */
const WAIT_MS = 5_000
const MAX_RESTING = 10_000
const FIRST_REST_MS = 1_000
const MAX_REST_MS = 300_000

/** A tenant that could not be migrated, and until when nobody tries again. */
interface Rest {
  readonly failures: number
  readonly until: number
}

/**
 * Migrates tenants when they are first asked for: one request begins it, the others of that tenant wait for the same, and
 * two tenants of a server at a time have their turn. One that fails is left alone for a while that doubles, from a second to five
 * minutes, and is written down like a tenant that failed in a run.
 */
export function createCatchUp(options: CatchUpOptions): NonNullable<SchemaPolicy['catchUp']> {
  const { clock, log } = options
  /** What those who ask for a tenant hear while it has its visit. */
  const answers = new Map<Id, Promise<boolean>>()
  /** One for each server: one that hangs keeps nobody else's tenants waiting. */
  const queues = new Map<Id, WorkQueue>()
  const running = Math.max(1, Math.min(QUEUE.running, options.connections - LEFT_FOR_REQUESTS))
  const resting = new LRUCache<Id, Rest>({ max: MAX_RESTING })
  const now = () => clock.now().getTime()

  const queueOf = (serverId: Id): WorkQueue => {
    const known = queues.get(serverId) ?? new WorkQueue({ ...QUEUE, running })
    queues.set(serverId, known)
    return known
  }

  const rest = (id: Id): void => {
    const failures = (resting.get(id)?.failures ?? 0) + 1
    const pause = Math.min(FIRST_REST_MS * 2 ** (failures - 1), MAX_REST_MS)
    resting.set(id, { failures, until: now() + pause })
  }

  const visit = async (tenant: TenantRecord, maintain: Maintain): Promise<boolean> => {
    try {
      const isDone = await queueOf(tenant.serverId).run(() => migrate(options, tenant, maintain))
      if (isDone) resting.delete(tenant.id)
      else rest(tenant.id)
      return isDone
    } catch (error) {
      if (error instanceof WorkQueueFullError) return false
      log.error({ err: error, tenant_id: tenant.id }, 'a tenant could not be migrated when it was asked for')
      rest(tenant.id)
      return false
    }
  }

  const begin = (tenant: TenantRecord, maintain: Maintain): Promise<boolean> => {
    // Not the client's to abandon: others wait for the same, and half a migration helps nobody.
    const visiting = runDetached(() => visit(tenant, maintain)).finally(() => answers.delete(tenant.id))
    const answer = atMost(WAIT_MS, visiting, () => undefined).then((isDone) => isDone ?? false)
    answers.set(tenant.id, answer)
    return answer
  }

  return async (tenant, maintain) => {
    if ((resting.get(tenant.id)?.until ?? 0) > now()) return false
    return await (answers.get(tenant.id) ?? begin(tenant, maintain))
  }
}

/** False when it failed, its server is away, or an operator wants it as it is. */
async function migrate(
  { core, migrations, log }: CatchUpOptions,
  tenant: TenantRecord,
  maintain: Maintain,
): Promise<boolean> {
  if (await isHeldBack(core, tenant.id)) return false
  const turn = await takeTurn(
    {
      tenancy: { maintain },
      migrations,
      action: { direction: 'up', to: migrations.latest ?? '' },
      guard: async () => undefined,
      // Requests wait: a server that is away is not waited for.
      isStopped: () => true,
    },
    tenant,
  )
  const { failure, durationMs } = turn
  // Whoever migrates it at this moment writes down how that went.
  if (turn.status !== 'pending' && failure?.code !== 'busy') await recordVisit(core, tenant.id, turn)
  const noted = { tenant_id: tenant.id, duration_ms: durationMs, ...(failure && { failure }) }
  if (turn.status === 'done') log.info(noted, 'a tenant was migrated when it was asked for')
  else log.warn(noted, 'a tenant could not be migrated when it was asked for')
  return turn.status === 'done'
}
