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

/** More rotations than this do not happen while one connection is opened. */
const RELOADS = 3

/**
 * Opens connections of tenants' roles, also while their passwords are changed: a rotation records the new password
 * beside the old one before the server gets it, so that one of the two is always right, and a process that knows neither
 * reads them afresh.
 */
export function createLogIn({ vault, reload }: LogInOptions) {
  return async (tenant: TenantAccess, open: OpenAs): Promise<pg.Client> => {
    for (let reloads = 0, known = tenant; ; reloads++) {
      try {
        return await tryEach(known, passwordsOf(vault, known), open)
      } catch (error) {
        if (!isWrongPassword(error) || reloads === RELOADS) throw error
        const current = await reload(tenant.id)
        if (!current || current.credentialsVersion === known.credentialsVersion) throw error
        known = current
      }
    }
  }
}

/** The newest once more at the end: the server may have got it after the first try. */
function passwordsOf(vault: CredentialVault, tenant: TenantAccess): string[] {
  const { id, sealedPassword, sealedPreviousPassword } = tenant
  if (sealedPassword === null) throw new Error('a tenant without a password was entered')
  const newest = vault.open(id, sealedPassword)
  if (sealedPreviousPassword === null) return [newest]
  return [newest, vault.open(id, sealedPreviousPassword), newest]
}

async function tryEach(
  { databaseName }: Pick<TenantAccess, 'databaseName'>,
  [password = '', ...others]: readonly string[],
  open: OpenAs,
): Promise<pg.Client> {
  try {
    return await open(databaseName, password)
  } catch (error) {
    if (!isWrongPassword(error) || others.length === 0) throw error
    return await tryEach({ databaseName }, others, open)
  }
}

function isWrongPassword(error: unknown): boolean {
  return postgresError(error)?.code === SQLSTATE.invalidPassword
}
