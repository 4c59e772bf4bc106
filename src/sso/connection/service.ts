import { recordAuditLast } from '../../audit/index.ts'
import { requireStillPermitted } from '../../auth/index.ts'
import { httpErrors } from '../../http/index.ts'
import { isSsoOnlyIn, lockMembers } from '../../organizations/index.ts'
import { AppError, type Id, newId, type SecretBox } from '../../platform/index.ts'
import type { TenantDb, TenantTx } from '../../tenancy/index.ts'
import type { Permission } from '../../users/index.ts'
import { by, ssoAudit } from '../audit.ts'
import { ssoErrors } from '../errors.ts'
import type { Fetch } from '../outgoing/fetch.ts'
import { describeProvider } from '../provider/description.ts'
import { providerFailure, reasonOf } from '../provider/failures.ts'
import { sealSecret } from './secret.ts'
import {
  type Connection,
  type ConnectionSettings,
  deleteConnection,
  findConnection,
  putConnection,
} from './store.ts'

/** What an administrator writes. */
export interface ConnectionWish
  extends Pick<
    ConnectionSettings,
    'issuer' | 'clientId' | 'scopes' | 'defaultRole' | 'isEnabled' | 'isMfaTrusted'
  > {
  /** Absent: the one that there is, for the same client at the same provider; null: none. */
  readonly secret?: string | null
}

/** Asked once more when the provider has answered: it takes as long as it likes, and the actor may be none meanwhile. */
const PERMISSION: Permission = 'organization.sso'

/** An organization's identity provider, for those who run the organization. All but `find` throw authErrors.permissionDenied. */
export interface ConnectionService {
  /** @throws httpErrors.notFound */
  find(tenant: TenantDb): Promise<Connection>
  /** @throws ssoErrors.ssoIssuerUnusable, ssoOnlyActive */
  put(tenant: TenantDb, actor: Id, wish: ConnectionWish): Promise<Connection>
  /** @throws httpErrors.notFound, ssoErrors.ssoOnlyActive */
  remove(tenant: TenantDb, actor: Id): Promise<void>
}

export interface ConnectionOptions {
  readonly box: SecretBox
  readonly fetch: Fetch
  readonly allowsPlain: boolean
}

export function createConnectionService({ box, fetch, allowsPlain }: ConnectionOptions): ConnectionService {
  return {
    find: async (tenant) => {
      const connection = await findConnection(tenant)
      if (!connection) throw none()
      return connection
    },
    put: async (tenant, actor, { secret, ...wish }) => {
      await requireUsable(wish.issuer, fetch, allowsPlain)
      return await tenant.transaction(async (tx) => {
        await lockMembers(tx)
        await requireStillPermitted(tx, actor, PERMISSION)
        const before = await findConnection(tx)
        if (!wish.isEnabled) await requireOtherWays(tx)
        const isSameClient = before?.issuer === wish.issuer && before.clientId === wish.clientId
        // A secret goes to the provider that it was given for, and to no other that somebody enters later.
        const kept = isSameClient ? before.sealedSecret : null
        const sealedSecret = secret
          ? sealSecret(box, tenant.tenantId, wish, secret)
          : secret === null
            ? null
            : kept
        const connection = await putConnection(tx, newId(), { ...wish, sealedSecret, revision: newId() })
        const details = { fields: changed(before, connection), enabled: wish.isEnabled }
        const target = { kind: 'sso_connection', id: connection.id }
        await recordAuditLast(tx, ssoAudit('sso.connection_changed', { ...by(actor), target, details }))
        return connection
      })
    },
    remove: async (tenant, actor) => {
      await tenant.transaction(async (tx) => {
        await lockMembers(tx)
        await requireStillPermitted(tx, actor, PERMISSION)
        const removed = await deleteConnection(tx)
        if (!removed) throw none()
        await requireOtherWays(tx)
        const target = { kind: 'sso_connection', id: removed.id }
        await recordAuditLast(tx, ssoAudit('sso.connection_removed', { ...by(actor), target }))
      })
    },
  }
}

/** Where the provider is the only way in, it stays one. The lock of members keeps that true. */
async function requireOtherWays(tx: TenantTx): Promise<void> {
  if (await isSsoOnlyIn(tx)) throw ssoErrors.ssoOnlyActive()
}

/** Whoever enters a provider hears at once, and in a word, why it will not do. */
async function requireUsable(issuer: string, fetch: Fetch, allowsPlain: boolean): Promise<void> {
  try {
    await describeProvider(issuer, fetch, allowsPlain)
  } catch (error) {
    if (!(providerFailure(error) instanceof AppError)) throw error
    const reason = reasonOf(error)
    const detail = `This identity provider cannot be used: ${reason}.`
    throw ssoErrors.ssoIssuerUnusable({ detail, members: { reason }, cause: error })
  }
}

function none(): AppError {
  return httpErrors.notFound({ detail: 'This organization has no identity provider.' })
}

/** Names of what is new, never the values. */
function changed(before: Connection | undefined, after: Connection): string[] {
  const fields = {
    issuer: 'issuer',
    clientId: 'client_id',
    sealedSecret: 'client_authentication',
    scopes: 'scopes',
    defaultRole: 'default_role',
    isEnabled: 'enabled',
    isMfaTrusted: 'trusts_idp_mfa',
  } as const
  return Object.entries(fields)
    .filter(([key]) => String(Reflect.get(before ?? {}, key)) !== String(Reflect.get(after, key)))
    .map(([, name]) => name)
}
