import type { FastifyRequest } from 'fastify'
import type { CoreDb, Tenancy, TenantDb } from '../tenancy/index.ts'
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
