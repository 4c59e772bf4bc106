import { expect } from 'vitest'
import type { ApiReply, SignedInUser } from './api-client.ts'
import {
  type Asked,
  type Quirks,
  type SoftPasskey,
  type SoftPasskeyOptions,
  softPasskey,
} from './authenticator.ts'
import type { CheckedPlatform } from './checked-platform.ts'
import type { TestRealm } from './realms.ts'
import { as } from './second-factor.ts'

type Api = Pick<CheckedPlatform, 'api'>
type Place = Pick<TestRealm, 'tenantId'>
type Someone = Pick<SignedInUser, 'token'>

/** Somebody with a passkey. */
export interface WithPasskey {
  readonly user: SignedInUser
  readonly passkey: SoftPasskey
  /** The server's id of it. */
  readonly passkeyId: string
  readonly recoveryCodes: readonly string[]
}

/** What an authenticator is to make a passkey of. */
export async function creationOptions({ api }: Api, realm: Place, user: Someone) {
  const reply = await api.post('/auth/mfa/passkeys/options', undefined, as(realm, user))
  expect(reply.status).toBe(200)
  return reply.body
}

/** Sends a passkey that was made. */
export async function addPasskey(
  test: Api,
  realm: Place,
  user: Someone,
  passkey: SoftPasskey,
  { quirks = {}, name }: { quirks?: Quirks; name?: string } = {},
): Promise<ApiReply> {
  const response = passkey.create(await creationOptions(test, realm, user), quirks)
  const body = { response, ...(name !== undefined && { name }) }
  return await test.api.post('/auth/mfa/passkeys', body, as(realm, user))
}

/** Gives somebody a passkey, somebody new unless given. */
export async function withPasskey(
  test: Api,
  realm: TestRealm,
  somebody?: SignedInUser,
  options: SoftPasskeyOptions = {},
): Promise<WithPasskey> {
  const user = somebody ?? (await realm.register())
  const passkey = softPasskey(options)
  const { status, body } = await addPasskey(test, realm, user, passkey)
  expect(status).toBe(201)
  return { user, passkey, passkeyId: body.id, recoveryCodes: body.recovery_codes ?? [] }
}

/** What is to be signed to sign in. */
export async function signInOptions({ api }: Api, { tenantId }: Place): Promise<Asked> {
  const reply = await api.post('/auth/passkeys/options', undefined, { tenantId })
  expect(reply.status).toBe(200)
  return reply.body
}

/** Signs in with a passkey and nothing else. */
export async function signIn(
  test: Api,
  realm: Place,
  passkey: SoftPasskey,
  quirks: Quirks = {},
): Promise<ApiReply> {
  return await sendSignIn(test, realm, passkey.get(await signInOptions(test, realm), quirks))
}

export async function sendSignIn({ api }: Api, { tenantId }: Place, response: object): Promise<ApiReply> {
  return await api.post('/auth/passkeys/login', { response }, { tenantId })
}

/** Steps up with a passkey. */
export async function stepUpWith(
  { api }: Api,
  realm: Place,
  user: Someone,
  passkey: SoftPasskey,
): Promise<ApiReply> {
  const { body } = await api.post('/auth/step-up/options', undefined, as(realm, user))
  return await api.post('/auth/step-up', { passkey: passkey.get(body) }, as(realm, user))
}
