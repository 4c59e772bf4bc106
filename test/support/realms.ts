import type { SQL } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import type { ApiReply, SignedInUser } from './api-client.ts'
import type { CheckedPlatform } from './checked-platform.ts'
import { inCore, inTenant } from './rows.ts'

export const REALM_NAMES = ['core', 'tenant'] as const
export type RealmName = (typeof REALM_NAMES)[number]

/** A place to sign in, the platform or an organization, and what tests of sessions do there. */
export interface TestRealm {
  readonly name: RealmName
  /** Of the organization; `undefined` on the platform. */
  readonly tenantId: string | undefined
  register(): Promise<SignedInUser>
  refresh(refreshToken: string): Promise<ApiReply>
  /** Whether an access token is let in, asked on a route that every user of the realm may use. */
  isIn(token: string): Promise<boolean>
  /** Runs a statement in the realm's database. */
  change<Row extends Record<string, unknown>>(statement: SQL): Promise<Row[]>
}

/** @param tenantId of an organization; absent, the realm is the platform */
export function realmOf({ api, platform }: CheckedPlatform, tenantId?: string): TestRealm {
  return {
    name: tenantId === undefined ? 'core' : 'tenant',
    tenantId,
    register: () => api.register(tenantId === undefined ? {} : { tenantId }),
    refresh: (refreshToken) => api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId }),
    isIn: async (token) => {
      const path = tenantId === undefined ? '/organizations/me' : '/users/me'
      const { status } = await api.get(path, { token, tenantId })
      if (status !== 200 && status !== 401) throw new Error(`${path} answered ${status}`)
      return status === 200
    },
    change: (statement) =>
      tenantId === undefined ? inCore(platform, statement) : inTenant(platform, tenantId, statement),
  }
}

/** The id of the session that an access token belongs to. */
export function sessionOf({ token }: Pick<SignedInUser, 'token'>): string {
  return String(decodeJwt(token)['sid'])
}
