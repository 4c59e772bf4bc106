import type { FastifyRequest } from 'fastify'
import type { CoreDb, SignInTenant, Tenancy, TenantDb } from '../tenancy/index.ts'
import { readTenantHeader } from './guards.ts'
import type { Realm } from './sessions/realm.ts'

/** The platform, or the organization that is given. */
export function realmOf(core: CoreDb, tenant?: TenantDb): Realm {
  return tenant ? { scope: 'tenant', db: tenant } : { scope: 'core', db: core }
}

/** What finds the organization that a request without a token names; `undefined` where it means the platform. */
export type TenantOf = (request: FastifyRequest) => Promise<TenantDb | undefined>

/** @param tenantHeader lower case */
export function createTenantOf(tenancy: Tenancy, tenantHeader: string): TenantOf {
  return async (request) => {
    const tenantId = readTenantHeader(request, tenantHeader)
    return tenantId === undefined ? undefined : await tenancy.enter(tenantId)
  }
}

/** The same for a sign-in: whether the organization is suspended is told to those alone who belong there. */
export async function tenantToSignIn(
  request: FastifyRequest,
  tenancy: Tenancy,
  tenantHeader: string,
): Promise<SignInTenant | undefined> {
  const tenantId = readTenantHeader(request, tenantHeader)
  return tenantId === undefined ? undefined : await tenancy.enterToSignIn(tenantId)
}
