import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { isPermitted } from '../../src/users/index.ts'
import type { ApiCall, ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { inCore, inTenant } from '../support/rows.ts'

type Realm = 'core' | 'tenant'

/** One kind of caller, tried on every route. */
interface Kind {
  /** What is sent along. */
  readonly call: () => ApiCall
  /** Whose routes its token is for; absent, it is no access token at all. */
  readonly realm?: Realm
  /** What every route of its realm answers it; absent, they let it in as far as its rights go. */
  readonly refused?: readonly [status: number, code: string]
  readonly role?: 'owner' | 'admin' | 'member'
  readonly isPlatformAdmin?: true
}

const DEAD = [401, 'invalid-token'] as const
const MISMATCH = [403, 'tenant-mismatch'] as const

let test: CheckedPlatform
let own: string
let other: string
const people = new Map<string, SignedInUser>()
const tokenOf = (who: string) => people.get(who)?.token
const inOwn = (who: string): ApiCall => ({ token: tokenOf(who), tenantId: own })

/** A new kind of credential is one line here. */
const KINDS: Readonly<Record<string, Kind>> = {
  nobody: { call: () => ({ tenantId: own }), refused: [401, 'authentication-required'] },
  garbage: { call: () => ({ token: 'garbage', tenantId: own }), refused: DEAD },
  'a refresh token of the platform': { call: () => refreshOf('user'), refused: DEAD },
  'a refresh token of the organization': { call: () => refreshOf('owner'), refused: DEAD },
  'a platform user': { call: () => inOwn('user'), realm: 'core' },
  'an administrator of the platform': { call: () => inOwn('operator'), realm: 'core', isPlatformAdmin: true },
  'a platform user whose token is over': { call: () => inOwn('late user'), refused: DEAD },
  'a platform user whose session ended': { call: () => inOwn('gone user'), realm: 'core', refused: DEAD },
  'a platform user who is deactivated': { call: () => inOwn('idle user'), realm: 'core', refused: DEAD },
  'an owner': { call: () => inOwn('owner'), realm: 'tenant', role: 'owner' },
  'an admin': { call: () => inOwn('admin'), realm: 'tenant', role: 'admin' },
  'a member': { call: () => inOwn('member'), realm: 'tenant', role: 'member' },
  'an owner whose token is over': { call: () => inOwn('late owner'), refused: DEAD },
  'an owner whose session ended': { call: () => inOwn('gone owner'), realm: 'tenant', refused: DEAD },
  'an owner who is deactivated': { call: () => inOwn('idle owner'), realm: 'tenant', refused: DEAD },
  'an owner of another organization': { call: () => inOwn('stranger'), realm: 'tenant', refused: MISMATCH },
  'an owner who names another organization': {
    call: () => ({ token: tokenOf('owner'), tenantId: other }),
    realm: 'tenant',
    refused: MISMATCH,
  },
  'an owner who names an organization that is not there': {
    call: () => ({ token: tokenOf('owner'), tenantId: newId() }),
    realm: 'tenant',
    refused: MISMATCH,
  },
  'an owner who names none': {
    call: () => ({ token: tokenOf('owner') }),
    realm: 'tenant',
    refused: [400, 'tenant-header-required'],
  },
}

const refreshOf = (who: string): ApiCall => ({ token: people.get(who)?.refreshToken, tenantId: own })

beforeAll(async () => {
  test = await startCheckedPlatform({ env: { SPARE_DATABASES: '0' } })
  const founder = await test.api.register()
  own = (await test.api.createOrganization(founder)).id
  other = (await test.api.createOrganization(founder)).id
  // A process whose clock is behind hands out tokens that are over.
  const clock = { now: () => new Date(Date.now() - 3_600_000) }
  const late = await startCheckedPlatform({
    databaseUrl: test.databaseUrl,
    env: { SPARE_DATABASES: '0' },
    clock,
  })
  for (const who of ['user', 'operator', 'gone user', 'idle user']) people.set(who, await test.api.register())
  people.set('late user', await late.api.register())
  for (const who of ['owner', 'admin', 'member', 'gone owner', 'idle owner'])
    people.set(who, await test.api.register({ tenantId: own }))
  people.set('late owner', await late.api.register({ tenantId: own }))
  people.set('stranger', await test.api.register({ tenantId: other }))
  await late.close()
  const idOf = (who: string) => people.get(who)?.id ?? ''
  for (const role of ['owner', 'admin'])
    await inTenant(test.platform, own, sql`UPDATE users SET role = ${role} WHERE id = ${idOf(role)}`)
  await inTenant(test.platform, other, sql`UPDATE users SET role = 'owner' WHERE id = ${idOf('stranger')}`)
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${idOf('operator')}`)
  for (const [realm, run] of Object.entries(REALMS)) {
    await run(sql`UPDATE sessions SET revoked_at = now() WHERE user_id = ${idOf(`gone ${realm}`)}`)
    await run(sql`UPDATE users SET is_active = false WHERE id = ${idOf(`idle ${realm}`)}`)
  }
})
afterAll(() => test.close())

const REALMS = {
  user: (statement: ReturnType<typeof sql>) => inCore(test.platform, statement),
  owner: (statement: ReturnType<typeof sql>) => inTenant(test.platform, own, statement),
}

function realmsOf({ security }: DocumentedRoute): Realm[] {
  return (['core', 'tenant'] as const).filter((realm) => security.includes(`${realm}Token`))
}

/** What a route must answer a kind of caller; `undefined` where it lets it in. */
function refusalOf(route: DocumentedRoute, kind: Kind): readonly [number, string] | undefined {
  const { realm, refused, role, isPlatformAdmin } = kind
  if (realm !== undefined && !realmsOf(route).includes(realm)) return [403, 'insufficient-scope']
  if (refused) return refused
  if (realm === 'core') {
    const isForAdmins = route.path.startsWith('/api/v1/admin/')
    return isForAdmins && !isPlatformAdmin ? [403, 'admin-required'] : undefined
  }
  return role && isPermitted(role, route.permission ?? '') ? undefined : [403, 'permission-denied']
}

/** In the right form as far as a guard looks; it changes nothing but sessions. */
async function send({ method, path }: DocumentedRoute, call: ApiCall): Promise<ApiReply> {
  const url = path.replace(/\{\w+\}/, newId())
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return await test.api.send(method as Method, url, hasBody ? {} : undefined, call)
}

/** Takes back the end of the callers' own sessions, which is what some routes are for. */
async function resume(): Promise<void> {
  for (const [realm, run] of Object.entries(REALMS)) {
    const gone = people.get(`gone ${realm}`)?.id
    await run(sql`UPDATE sessions SET revoked_at = NULL WHERE revoked_at IS NOT NULL AND user_id <> ${gone}`)
  }
}

const GUARDS = [
  'insufficient-scope',
  'admin-required',
  'permission-denied',
  'tenant-mismatch',
  'mfa-required',
]

describe('A8 G7 O17 every route that asks for a token', () => {
  it.each(Object.entries(KINDS))('answers as it must: %s', async (name, kind) => {
    const guarded = test.contract.routes.filter((route) => realmsOf(route).length > 0)
    expect(guarded.length).toBeGreaterThanOrEqual(40)
    for (const route of guarded) {
      const { status, body } = await send(route, kind.call())
      const where = `${name}: ${route.method} ${route.path} answered ${status} ${body?.code}`
      const refusal = refusalOf(route, kind)
      if (refusal) expect([status, body?.code], where).toEqual(refusal)
      else {
        expect(status, where).not.toBe(401)
        if (status === 403) expect(GUARDS, where).not.toContain(body?.code)
        if (realmsOf(route).length > 1) await resume()
      }
    }
  })

  it('knows who may call it: each is open to somebody, and none to everybody', () => {
    for (const route of test.contract.routes.filter((one) => realmsOf(one).length > 0)) {
      const admitted = Object.values(KINDS).filter((kind) => refusalOf(route, kind) === undefined)
      expect(admitted.length, `${route.method} ${route.path}`).toBeGreaterThan(0)
      expect(admitted.length, `${route.method} ${route.path}`).toBeLessThanOrEqual(5)
    }
  })
})
