import type pg from 'pg'
import { type Id, postgresError, SQLSTATE } from '../../platform/index.ts'
import type { TenantRecord } from '../types.ts'
import type { CredentialVault } from './vault.ts'

/** What a tenant's role logs in with. */
export type TenantAccess = Pick<
  TenantRecord,
  'id' | 'databaseName' | 'sealedPassword' | 'sealedPreviousPassword' | 'credentialsVersion'
>

/** Opens a connection with a role and its password. */
export type OpenAs = (role: string, password: string) => Promise<pg.Client>

export interface LogInOptions {
  readonly vault: CredentialVault
  /** Reads afresh what is recorded of a tenant, past every cache. */
  readonly reload: (tenantId: Id) => Promise<TenantAccess | undefined>
}

/**
 * Opens connections of tenants' roles, also while their passwords are changed: a rotation records the new password
 * beside the old one before the server gets it, so that one of the two is always right, and a process that knows neither
 * reads them afresh.
 */
export function createLogIn({ vault, reload }: LogInOptions) {
  async function tryBoth(tenant: TenantAccess, open: OpenAs): Promise<pg.Client> {
    const { id, databaseName, sealedPassword, sealedPreviousPassword } = tenant
    if (sealedPassword === null) throw new Error('a tenant without a password was entered')
    try {
      return await open(databaseName, vault.open(id, sealedPassword))
    } catch (error) {
      if (!isWrongPassword(error) || sealedPreviousPassword === null) throw error
      return await open(databaseName, vault.open(id, sealedPreviousPassword))
    }
  }

  return async (tenant: TenantAccess, open: OpenAs): Promise<pg.Client> => {
    try {
      return await tryBoth(tenant, open)
    } catch (error) {
      if (!isWrongPassword(error)) throw error
      const current = await reload(tenant.id)
      if (!current || current.credentialsVersion === tenant.credentialsVersion) throw error
      return await tryBoth(current, open)
    }
  }
}

function isWrongPassword(error: unknown): boolean {
  return postgresError(error)?.code === SQLSTATE.invalidPassword
}
