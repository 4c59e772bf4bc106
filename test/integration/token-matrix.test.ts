import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireSecondFactor } from '../../src/organizations/index.ts'
import { newId, systemClock } from '../../src/platform/index.ts'
import {
  isGrantable,
  isPermitted,
  isPermittedUnderImpersonation,
  PERMISSIONS,
} from '../../src/users/index.ts'
import type { ApiCall, ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { actAs } from '../support/impersonation.ts'
import { addLinked, enter } from '../support/people.ts'
import { realmOf } from '../support/realms.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { challengeFor, protect } from '../support/second-factor.ts'

type Realm = 'core' | 'tenant'

/** One kind of caller, tried on every route. */
interface Kind {
  /** What is sent along. */
  readonly call: () => ApiCall
  /** Whose routes its token is for; absent, it is no access token at all. */
  readonly realm?: Realm | 'key'
  /** What every route of its realm answers it; absent, they let it in as far as its rights go. */
  readonly refused?: readonly [status: number, code: string]
  readonly role?: 'owner' | 'admin' | 'member'
  readonly isPlatformAdmin?: true
  /** Somebody acts as the user: to look, or to change too. */
  readonly acts?: 'to look' | 'to change'
  /** Has no second factor, where one is required. */
  readonly lacksSecondFactor?: true
}

const DEAD = [401, 'invalid-token'] as const
const MISMATCH = [403, 'tenant-mismatch'] as const

let test: CheckedPlatform
let own: string
let other: string
/** Requires a second factor. */
let strict: string
let suspended: string
const people = new Map<string, Pick<SignedInUser, 'token'> & Partial<SignedInUser>>()
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
  'a linked member by an exchange': { call: () => inOwn('linked'), realm: 'tenant', role: 'member' },
  'a sign-in that waits for its second factor': { call: () => inOwn('half'), refused: DEAD },
  'a member without the second factor that is required': {
    call: () => ({ token: tokenOf('lacking'), tenantId: strict }),
    realm: 'tenant',
    role: 'member',
    lacksSecondFactor: true,
  },
  'an owner of a suspended organization': {
    call: () => ({ token: tokenOf('halted'), tenantId: suspended }),
    realm: 'tenant',
    refused: [403, 'tenant-suspended'],
  },
  'an owner’s key': { call: () => inOwn('key'), realm: 'key', role: 'owner' },
  'a key that was revoked': { call: () => inOwn('revoked key'), realm: 'key', refused: DEAD },
  'a key of another organization': { call: () => inOwn('foreign key'), realm: 'key', refused: DEAD },
  'a key of a suspended organization': {
    call: () => ({ token: tokenOf('halted key'), tenantId: suspended }),
    realm: 'key',
    refused: DEAD,
  },
  'who acts as an owner to look': {
    call: () => inOwn('looking'),
    realm: 'tenant',
    role: 'owner',
    acts: 'to look',
  },
  'who acts as an owner to change': {
    call: () => inOwn('changing'),
    realm: 'tenant',
    role: 'owner',
    acts: 'to change',
  },
  'who acted as an owner, and ended it': { call: () => inOwn('ended'), realm: 'tenant', refused: DEAD },
  'who acts as an owner, and names another organization': {
    call: () => ({ token: tokenOf('looking'), tenantId: other }),
    realm: 'tenant',
    refused: MISMATCH,
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
  strict = (await test.api.createOrganization(founder)).id
  suspended = (await test.api.createOrganization(founder)).id
  people.set('halted', { token: (await enter(test, suspended, founder)).tenantToken })
  people.set('linked', { token: (await addLinked(test, own)).tenantToken })
  await addHalfSignedIn()
  await addKeys()
  await addActors()
  await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${suspended}`)
  test.platform.tenancy.invalidate(suspended)
})
afterAll(() => test.close())

async function addHalfSignedIn(): Promise<void> {
  const realm = realmOf(test, own)
  const { user } = await protect(test, realm, systemClock)
  people.set('half', { token: await challengeFor(test, realm, user) })
  people.set('lacking', await test.api.register({ tenantId: strict }))
  await test.platform.tenancy.withTenant(strict, (db) => requireSecondFactor(db, true))
}

async function addKeys(): Promise<void> {
  const scopes = [...PERMISSIONS.keys()].filter(isGrantable)
  const add = async (who: string, maker: string, tenantId: string) => {
    const { id, key } = await makeKey(test, { token: tokenOf(maker), tenantId }, scopes)
    people.set(who, { token: key, id })
  }
  await add('key', 'owner', own)
  await add('revoked key', 'owner', own)
  await add('foreign key', 'stranger', other)
  await add('halted key', 'halted', suspended)
  expect((await test.api.delete(`/api-keys/${people.get('revoked key')?.id}`, inOwn('owner'))).status).toBe(
    204,
  )
}

async function addActors(): Promise<void> {
  const [operator, owner] = [people.get('operator'), people.get('owner')] as [SignedInUser, SignedInUser]
  const add = async (who: string, wish: object = {}) => {
    const { token = '', id } = await actAs(test, operator, own, owner, wish)
    people.set(who, { token, id })
  }
  await add('looking')
  await add('changing', { read_only: false })
  await add('ended', { read_only: false })
  const path = `/admin/impersonations/${people.get('ended')?.id}`
  expect((await test.api.delete(path, { token: operator.token })).status).toBe(204)
}

const REALMS = {
  user: (statement: ReturnType<typeof sql>) => inCore(test.platform, statement),
  owner: (statement: ReturnType<typeof sql>) => inTenant(test.platform, own, statement),
}

function realmsOf({ security }: DocumentedRoute): Realm[] {
  return (['core', 'tenant'] as const).filter((realm) => security.includes(`${realm}Token`))
}

/** A key is for what is an organization's alone: it has no account. */
function isFor(realm: Realm | 'key', route: DocumentedRoute): boolean {
  const realms = realmsOf(route)
  return realm === 'key' ? !realms.includes('core') : realms.includes(realm)
}

/** What who lacks a required second factor may do: set one up, prove to be who that is for, and leave. */
const WAY_TO_A_FACTOR = [
  'GET /api/v1/auth/mfa',
  'POST /api/v1/auth/mfa/totp',
  'POST /api/v1/auth/mfa/totp/confirm',
  'POST /api/v1/auth/mfa/passkeys/options',
  'POST /api/v1/auth/mfa/passkeys',
  'POST /api/v1/auth/step-up',
  'POST /api/v1/auth/step-up/options',
  'POST /api/v1/auth/logout',
]

/** What a route must answer a kind of caller; `undefined` where it lets it in. */
function refusalOf(route: DocumentedRoute, kind: Kind): readonly [number, string] | undefined {
  const { realm, refused, isPlatformAdmin, lacksSecondFactor } = kind
  if (realm !== undefined && !isFor(realm, route)) return [403, 'insufficient-scope']
  if (refused) return refused
  if (realm === 'core') {
    const isForAdmins = route.path.startsWith('/api/v1/admin/')
    return isForAdmins && !isPlatformAdmin ? [403, 'admin-required'] : undefined
  }
  if (lacksSecondFactor && !WAY_TO_A_FACTOR.includes(`${route.method} ${route.path}`))
    return [403, 'mfa-required']
  return refusalInside(route, kind)
}

/** Of who is let into the organization. */
function refusalInside(
  { method, permission = '' }: DocumentedRoute,
  { realm, role, acts }: Kind,
): readonly [number, string] | undefined {
  const isHad = role !== undefined && isPermitted(role, permission)
  if (!isHad || (realm === 'key' && !isGrantable(permission))) return [403, 'permission-denied']
  if (acts && !isPermittedUnderImpersonation(permission)) return [403, 'not-under-impersonation']
  return acts === 'to look' && method !== 'GET' ? [403, 'impersonation-read-only'] : undefined
}

/** In the right form as far as a guard looks; it changes nothing but sessions. */
async function send({ method, path }: DocumentedRoute, call: ApiCall): Promise<ApiReply> {
  const url = path.replace(/\{\w+\}/, newId())
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return await test.api.send(method as Method, url, hasBody ? {} : undefined, call)
}

/** Takes back the end of the callers' own sessions, which is what some routes are for. */
async function resume({ lacksSecondFactor }: Kind): Promise<void> {
  if (lacksSecondFactor)
    return void (await inTenant(test.platform, strict, sql`UPDATE sessions SET revoked_at = NULL`))
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
  'tenant-suspended',
  'not-under-impersonation',
  'impersonation-read-only',
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
        if (realmsOf(route).length > 1) await resume(kind)
      }
    }
  })

  it('knows who may call it: each is open to somebody, and none to everybody', () => {
    for (const route of test.contract.routes.filter((one) => realmsOf(one).length > 0)) {
      const admitted = Object.values(KINDS).filter((kind) => refusalOf(route, kind) === undefined)
      expect(admitted.length, `${route.method} ${route.path}`).toBeGreaterThan(0)
      expect(admitted.length, `${route.method} ${route.path}`).toBeLessThanOrEqual(8)
    }
  })
})
