import { type Actor, recordAudit } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Id, Logger } from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb, TenantTx } from '../../tenancy/index.ts'
import type { AuthEvents } from '../events.ts'
import { ended } from './entries.ts'
import {
  endEveryImpersonation,
  endImpersonation,
  findImpersonation,
  type ImpersonationRow,
  revokeActedSession,
} from './store.ts'
import type { Ending } from './tables.ts'

/** The ways in which an impersonation ends before its time, each from the next request on. */
export interface ImpersonationEndings {
  /**
   * Ends one for the platform. One that is over stays as it is.
   *
   * @throws httpErrors.notFound
   */
  endForPlatform(adminId: Id, id: Id): Promise<void>
  /** Ends one for the organization in which it is; like `endForPlatform`. */
  endForOrganization(tenant: TenantDb, userId: Id, id: Id): Promise<void>
  /**
   * Ends all of an organization, in the transaction that forbids them.
   *
   * @returns what is to be called after the commit
   */
  endAll(tx: TenantTx, userId: Id): Promise<() => Promise<void>>
}

export function createEndings(options: {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'withTenant'>
  readonly events: Publisher<AuthEvents>
  readonly log: Logger
}): ImpersonationEndings {
  const { core, tenancy, events, log } = options

  const tell = ({ id, organizationId, userId, adminId }: ImpersonationRow, by: Exclude<Ending, 'refused'>) =>
    events.publish('impersonation.ended', { impersonationId: id, userId, adminId, by }, organizationId)

  /** The other database follows. Where it cannot, the one that is done is enough: a request needs both. */
  const follow = async (row: ImpersonationRow, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) =>
      log.warn(
        { err: error, tenant_id: row.organizationId, impersonation_id: row.id },
        'the end of an impersonation is recorded in one database only',
      ),
    )
  }

  const followOnPlatform = (row: ImpersonationRow, by: Ending) =>
    follow(row, () => core.transaction((tx) => endIn(tx, row.id, { kind: 'system' }, by)))

  return {
    endForPlatform: async (adminId, id) => {
      const actor = { kind: 'admin', id: adminId } as const
      const row = await core.transaction(async (tx) => {
        await find(tx, id)
        return await endIn(tx, id, actor, 'administrator')
      })
      if (!row) return
      await follow(row, () =>
        tenancy.withTenant(row.organizationId, (tenant) =>
          tenant.transaction((tx) => endWithSession(tx, id, actor, 'administrator')),
        ),
      )
      tell(row, 'administrator')
    },
    endForOrganization: async (tenant, userId, id) => {
      const row = await tenant.transaction(async (tx) => {
        await find(tx, id)
        return await endWithSession(tx, id, { kind: 'user', id: userId }, 'organization')
      })
      if (!row) return
      await followOnPlatform(row, 'organization')
      tell(row, 'organization')
    },
    endAll: async (tx, userId) => {
      const rows = await endEveryImpersonation(tx, 'policy')
      for (const row of rows) await recordAudit(tx, ended(row, { kind: 'user', id: userId }, 'policy'))
      return async () => {
        for (const row of rows) {
          await followOnPlatform(row, 'policy')
          tell(row, 'policy')
        }
      }
    },
  }
}

type AnyTx = Parameters<typeof recordAudit>[0]

async function find(tx: AnyTx, id: Id): Promise<void> {
  if (!(await findImpersonation(tx, id)))
    throw httpErrors.notFound({ detail: 'There is no such impersonation.' })
}

async function endIn(tx: AnyTx, id: Id, actor: Actor, by: Ending): Promise<ImpersonationRow | undefined> {
  const row = await endImpersonation(tx, id, by)
  if (row) await recordAudit(tx, ended(row, actor, by))
  return row
}

async function endWithSession(tx: TenantTx, id: Id, actor: Actor, by: Ending) {
  const row = await endIn(tx, id, actor, by)
  if (row) await revokeActedSession(tx, id)
  return row
}
