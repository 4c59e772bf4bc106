import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import type { Clock } from '../../src/platform/index.ts'
import type { ApiCall, ApiReply, SignedInUser } from './api-client.ts'
import type { CheckedPlatform } from './checked-platform.ts'
import type { TestRealm } from './realms.ts'

export const STEP_MS = 30_000

/** A clock that a test sets, so that every code is of a step of its own. */
export interface TestClock extends Clock {
  /** Moves to the next time step, and gives its moment. */
  nextStep(): Date
}

/** Stands in the middle of a time step. */
export function createTestClock(): TestClock {
  let now = Math.floor(Date.now() / STEP_MS) * STEP_MS + STEP_MS / 2
  return {
    now: () => new Date(now),
    nextStep: () => {
      now += STEP_MS
      return new Date(now)
    },
  }
}

/** What an authenticator app shows: RFC 6238 again, so that the tests do not believe the library. */
export function codeAt(secret: string, at: Date): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / STEP_MS)))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = (mac[19] ?? 0) & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** A code that none of the steps around a moment has. */
export function wrongCodeAt(secret: string, at: Date): string {
  const right = [-1, 0, 1].map((steps) => codeAt(secret, new Date(at.getTime() + steps * STEP_MS)))
  return ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code)) ?? ''
}

function fromBase32(text: string): Buffer {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...text].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** Somebody with an authenticator app. */
export interface Protected {
  readonly user: SignedInUser
  readonly secret: string
  readonly recoveryCodes: readonly string[]
}

/** What a signed-in person sends. */
export function as(
  { tenantId }: Pick<TestRealm, 'tenantId'>,
  { token }: Pick<SignedInUser, 'token'>,
): ApiCall {
  return { token, tenantId }
}

/** Sets up an authenticator app for somebody, new unless given. The step of the clock is used then. */
export async function protect(
  { api }: CheckedPlatform,
  realm: TestRealm,
  clock: Clock,
  somebody?: SignedInUser,
): Promise<Protected> {
  const user = somebody ?? (await realm.register())
  const begun = await api.post('/auth/mfa/totp', undefined, as(realm, user))
  expect(begun.status).toBe(201)
  const { secret } = begun.body
  const code = codeAt(secret, clock.now())
  const confirmed = await api.post('/auth/mfa/totp/confirm', { code }, as(realm, user))
  expect(confirmed.status).toBe(200)
  return { user, secret, recoveryCodes: confirmed.body.recovery_codes }
}

/** The first half of a sign-in. */
export async function challengeFor(
  { api }: Pick<CheckedPlatform, 'api'>,
  realm: Pick<TestRealm, 'tenantId'>,
  { email, password }: Pick<SignedInUser, 'email' | 'password'>,
): Promise<string> {
  const reply = await api.post('/auth/login', { email, password }, { tenantId: realm.tenantId })
  expect(reply).toMatchObject({ status: 401, body: { code: 'mfa-required' } })
  return reply.body.mfa_token
}

/** The second half. */
export async function answer(
  { api }: Pick<CheckedPlatform, 'api'>,
  realm: Pick<TestRealm, 'tenantId'>,
  mfaToken: string,
  proof: { code: string } | { recovery_code: string } | { passkey: object },
): Promise<ApiReply> {
  return await api.post('/auth/mfa/verify', { mfa_token: mfaToken, ...proof }, { tenantId: realm.tenantId })
}
