import { type AppError, createDatabase, type Id } from '../platform/index.ts'
import { createLogIn, type TenantAccess } from './credentials/log-in.ts'
import type { CredentialVault } from './credentials/vault.ts'
import type { TenantDirectory } from './directory.ts'
import { tenancyErrors } from './errors.ts'
import type { Claim } from './provisioning/store.ts'
import type { SchemaGate } from './schema-gate.ts'
import type { ServerRegistry } from './servers/server-registry.ts'
import type { TenantServer } from './servers/tenant-server.ts'
import { findTenant } from './store.ts'
import type { CoreDb, TenantDb, TenantRecord } from './types.ts'

export interface AdmissionOptions {
  readonly core: CoreDb
  readonly directory: TenantDirectory
  readonly servers: ServerRegistry
  readonly vault: CredentialVault
  readonly gate: SchemaGate
}

/** Gives tenants' databases to those who may have them. */
export interface Admission {
  /** @throws tenancyErrors.tenantNotFound, tenantSuspended, tenantNotReady */
  admit(tenantId: Id): Promise<TenantDb>
  /**
   * Like `admit`, but gives a suspended tenant too, with what is due to those who prove that they belong there: a stranger
   * is not told. One that lacks migrations cannot be asked who its people are, and is refused.
   */
  admitToSignIn(tenantId: Id): Promise<SignInTenant>
  /** A tenant that has an organization, whatever its status. */
  find(tenantId: Id): Promise<TenantRecord | undefined>
  /** The database of a tenant that is being made. */
  unfinished(claim: Claim, server: TenantServer): TenantDb
  /** The database of a spare. */
  spare(tenant: TenantAccess & { readonly serverId: Id }): Promise<TenantDb>
}

/** Where somebody wants to sign in. */
export interface SignInTenant {
  readonly tenant: TenantDb
  /** What whoever proves to belong there is refused with. */
  readonly refusal?: AppError
}

export function createAdmission({ core, directory, servers, vault, gate }: AdmissionOptions): Admission {
  const logIn = createLogIn({ vault, reload: (tenantId) => findTenant(core, tenantId) })
  /** A handle and what it prepared live as long as the tenant has connections: of an idle one only the record stays. */
  const handles = new WeakMap<TenantRecord, WeakRef<TenantDb>>()

  const open = (tenant: TenantAccess, server: TenantServer): TenantDb => {
    const kept: { handle?: TenantDb } = {}
    const source = server.sourceFor(tenant.databaseName, (openAs) => logIn(tenant, openAs), kept)
    kept.handle = { ...createDatabase('tenant', source), tenantId: tenant.id }
    return kept.handle
  }

  const find: Admission['find'] = async (tenantId) => {
    const record = directory.peek(tenantId) ?? (await directory.find(tenantId))
    return record && isSomebodys(record) ? record : undefined
  }

  const handleOf = async (record: TenantRecord): Promise<TenantDb> => {
    const known = handles.get(record)?.deref()
    if (known) return known
    const tenant = open(record, servers.peek(record.serverId) ?? (await servers.get(record.serverId)))
    handles.set(record, new WeakRef(tenant))
    return tenant
  }

  const admit: Admission['admit'] = async (tenantId) => {
    const found = usable(await find(tenantId))
    return await handleOf(gate.isOpen(found) ? found : usable(await gate.pass(found)))
  }

  return {
    find,
    admit,
    admitToSignIn: async (tenantId) => {
      const record = await find(tenantId)
      if (record?.status !== 'suspended' || !gate.isOpen(record)) return { tenant: await admit(tenantId) }
      return { tenant: await handleOf(record), refusal: tenancyErrors.tenantSuspended() }
    },
    unfinished: ({ tenantId, databaseName, sealedPassword }, server) =>
      open(
        { id: tenantId, databaseName, sealedPassword, sealedPreviousPassword: null, credentialsVersion: -1 },
        server,
      ),
    spare: async (tenant) => open(tenant, await servers.get(tenant.serverId)),
  }
}

/** Throws tenancyErrors.tenantNotFound, tenantSuspended, tenantNotReady. */
function usable(record: TenantRecord | undefined): TenantRecord {
  if (!record) throw tenancyErrors.tenantNotFound()
  if (record.status === 'suspended') throw tenancyErrors.tenantSuspended()
  if (record.status !== 'active') throw tenancyErrors.tenantNotReady()
  return record
}

/** A spare is a database without an organization: to everybody outside there is no such tenant. */
function isSomebodys({ status }: TenantRecord): boolean {
  return status !== 'spare' && status !== 'preparing'
}
