import { generateKeyPairSync } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiReply } from '../support/api-client.ts'
import { type Creation, type Quirks, softPasskey } from '../support/authenticator.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import {
  addPasskey,
  creationOptions,
  sendSignIn,
  signIn,
  signInOptions,
  withPasskey,
} from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import { as } from '../support/second-factor.ts'

const REFUSED = { status: 401, body: { code: 'invalid-credentials' } }

let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
const clones: object[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
  test.platform.events.on('passkey.clone_suspected', 'test', ({ payload }) => void clones.push(payload))
})
afterAll(() => test.close())

/** What is not to be believed, of a new passkey as of one that signs. */
const LIES: readonly (readonly [string, Quirks])[] = [
  ['a page of another site', { origin: 'https://evil.example' }],
  ['a page of another port', { origin: 'http://localhost:8001' }],
  ['a page of a subdomain that was not named', { origin: 'http://app.localhost:8000' }],
  ['a passkey of another domain', { rpId: 'evil.example' }],
  ['a page in a frame of another site', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ['a page in a frame of nobody knows whom', { crossOrigin: true }],
  ['a user who was not verified', { userVerified: false }],
  ['a user who was not there', { userPresent: false, userVerified: true }],
  ['a challenge of its own', { challenge: 'A'.repeat(43) }],
  ['no challenge', { challenge: '' }],
  ['the other kind of answer', { type: 'payment.get' }],
]

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  it.each(LIES)('signing in: refuses %s', async (_, quirks) => {
    const realm = realms[name]
    const { passkey } = await withPasskey(test, realm)
    expect(await signIn(test, realm, passkey, quirks)).toMatchObject(REFUSED)
    expect((await signIn(test, realm, passkey)).status).toBe(200)
  })

  it.each(LIES)('making one: refuses %s', async (_, quirks) => {
    const realm = realms[name]
    const user = await realm.register()
    expect(await addPasskey(test, realm, user, softPasskey(), { quirks })).toMatchObject(REFUSED)
    expect((await test.api.get('/auth/mfa', as(realm, user))).body.passkeys).toEqual([])
  })

  it.each(['ES256', 'EdDSA'] as const)(
    'refuses an %s signature of another key, or changed',
    async (algorithm) => {
      const realm = realms[name]
      const { user, passkey } = await withPasskey(test, realm, undefined, { algorithm })
      const key =
        algorithm === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
          : generateKeyPairSync('ed25519').privateKey
      expect(await signIn(test, realm, passkey, { key })).toMatchObject(REFUSED)
      const good = passkey.get(await signInOptions(test, realm))
      const bytes = Buffer.from(good.response.signature, 'base64url')
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      for (const signature of [bytes.toString('base64url'), 'AAAA', 'MAA'])
        expect(
          await sendSignIn(test, realm, { ...good, response: { ...good.response, signature } }),
        ).toMatchObject(REFUSED)
      await test.platform.repeats.settle()
      const entries = await realm.change(sql`SELECT outcome, details FROM audit_log
      WHERE target_id = ${user.id} AND action = 'user.login_failed'`)
      expect(entries).toContainEqual({ outcome: 'failure', details: { attempts: 1, reason: 'passkey' } })
    },
  )

  it('refuses a passkey that nobody has, and one in the name of another user', async () => {
    const realm = realms[name]
    const [ann, bob] = [await withPasskey(test, realm), await withPasskey(test, realm)]
    const stranger = softPasskey()
    stranger.create({ challenge: 'A', user: { id: ann.user.id } })
    expect(await signIn(test, realm, stranger)).toMatchObject(REFUSED)
    const handleOf = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
    for (const userHandle of [handleOf(bob.user.id), handleOf(newId()), 'AAAA', '', null, undefined])
      expect(await signIn(test, realm, ann.passkey, { userHandle })).toMatchObject(REFUSED)
    // And by the name of somebody else's credential.
    const { credentialId } = bob.passkey
    expect(await signIn(test, realm, ann.passkey, { credentialId })).toMatchObject(REFUSED)
    expect((await signIn(test, realm, ann.passkey)).status).toBe(200)
  })

  it('a challenge is good once, for good or ill, and for five minutes', async () => {
    const realm = realms[name]
    const { passkey } = await withPasskey(test, realm)
    const asked = await signInOptions(test, realm)
    expect((await sendSignIn(test, realm, passkey.get(asked))).status).toBe(200)
    expect(await sendSignIn(test, realm, passkey.get(asked))).toMatchObject(REFUSED)
    const spoiled = await signInOptions(test, realm)
    const unverified = passkey.get(spoiled, { userVerified: false })
    expect(await sendSignIn(test, realm, unverified)).toMatchObject(REFUSED)
    expect(await sendSignIn(test, realm, passkey.get(spoiled))).toMatchObject(REFUSED)
    const late = await signInOptions(test, realm)
    await realm.change(sql`UPDATE passkey_challenges SET expires_at = now()`)
    expect(await sendSignIn(test, realm, passkey.get(late))).toMatchObject(REFUSED)
  })

  it('a challenge to make a passkey is its session’s, and signs nobody in', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const elsewhere = await test.api.login(user, realm.tenantId)
    const other = await withPasskey(test, realm)
    const asked = await creationOptions(test, realm, user)
    const made = { response: softPasskey().create(asked) }
    const add = (who: { token: string }): Promise<ApiReply> =>
      test.api.post('/auth/mfa/passkeys', made, as(realm, who))
    expect(await add(elsewhere)).toMatchObject(REFUSED)
    expect(await add(other.user)).toMatchObject(REFUSED)
    expect(await sendSignIn(test, realm, other.passkey.get(asked))).toMatchObject(REFUSED)
    expect((await add(user)).status).toBe(201)
    expect(await add(user)).toMatchObject(REFUSED)
    // Nor does one to sign in make a passkey.
    const signInAsked = { ...asked, ...(await signInOptions(test, realm)) }
    const response = softPasskey().create(signInAsked)
    expect(await test.api.post('/auth/mfa/passkeys', { response }, as(realm, user))).toMatchObject(REFUSED)
  })

  it('a challenge of one realm is none in another', async () => {
    const realm = realms[name]
    const { id } = await test.api.createOrganization(await test.api.register())
    const { passkey } = await withPasskey(test, realm)
    const asked = await signInOptions(test, realm)
    for (const other of [{ tenantId: id }, realms[name === 'core' ? 'tenant' : 'core']]) {
      expect(await sendSignIn(test, other, passkey.get(asked))).toMatchObject(REFUSED)
      const foreign = passkey.get(await signInOptions(test, other))
      expect(await sendSignIn(test, realm, foreign)).toMatchObject(REFUSED)
    }
    expect((await sendSignIn(test, realm, passkey.get(asked))).status).toBe(200)
  })

  it('a counter that went back is refused, recorded and told', async () => {
    const realm = realms[name]
    const { user, passkey, passkeyId } = await withPasskey(test, realm)
    expect((await signIn(test, realm, passkey, { counter: 40 })).status).toBe(200)
    clones.length = 0
    for (const counter of [40, 39, 0])
      expect(await signIn(test, realm, passkey, { counter })).toMatchObject(REFUSED)
    // What no key of it signed says nothing of a copy.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(await signIn(test, realm, passkey, { counter: 39, key: privateKey })).toMatchObject(REFUSED)
    await test.platform.events.settle()
    await test.platform.repeats.settle()
    expect(clones).toEqual(Array.from({ length: 3 }, () => ({ userId: user.id, passkeyId, scope: name })))
    const entries = await realm.change(sql`SELECT target_kind, target_id, outcome, details FROM audit_log
      WHERE actor_id = ${user.id} AND action = 'passkey.clone_suspected'`)
    expect(entries).toEqual([
      { target_kind: 'passkey', target_id: passkeyId, outcome: 'failure', details: { attempts: 1 } },
    ])
    expect((await signIn(test, realm, passkey, { counter: 41 })).status).toBe(200)
  })

  it('one that stayed in its device does not begin to be copied', async () => {
    const realm = realms[name]
    const { passkey } = await withPasskey(test, realm)
    expect(await signIn(test, realm, passkey, { isBackupEligible: true })).toMatchObject(REFUSED)
  })

  it('a credential is one account’s in a database', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const taken = { status: 409, body: { code: 'passkey-taken' } }
    const again = softPasskey({ credentialId: passkey.credentialId })
    expect(await addPasskey(test, realm, user, again)).toMatchObject(taken)
    expect(await addPasskey(test, realm, await realm.register(), again)).toMatchObject(taken)
    expect((await signIn(test, realm, passkey)).status).toBe(200)
  })
})

/** A passkey's making, with another attestation object. */
function withAttestation(made: Creation, attestationObject: Buffer): object {
  const response = { ...made.response, attestationObject: attestationObject.toString('base64url') }
  return { ...made, response }
}

it.each([
  ['nothing', Buffer.alloc(1)],
  ['no map', Buffer.from('83010203', 'hex')],
  ['a map of four billion', Buffer.from('baffffffff', 'hex')],
  ['a text of four billion', Buffer.from('7affffffff', 'hex')],
  ['lists in lists', Buffer.alloc(20_000, 0x81)],
])('an attestation of %s is refused and harms nobody', async (_, bytes) => {
  const { core } = realms
  const user = await core.register()
  const made = softPasskey().create(await creationOptions(test, core, user))
  const body = { response: withAttestation(made, bytes) }
  expect(await test.api.post('/auth/mfa/passkeys', body, as(core, user))).toMatchObject(REFUSED)
})

it('what an authenticator says of its maker is neither believed nor looked up', async () => {
  const { core } = realms
  const user = await core.register()
  const made = softPasskey().create(await creationOptions(test, core, user))
  const bytes = Buffer.from(made.response.attestationObject, 'base64url').toString('latin1')
  // "none" as a format that has certificates, and whose check would fail.
  const changed = Buffer.from(bytes.replace('\x64none', '\x66packed'), 'latin1')
  const body = { response: withAttestation(made, changed) }
  expect((await test.api.post('/auth/mfa/passkeys', body, as(core, user))).status).toBe(201)
})

describe('bodies', () => {
  const good = () => softPasskey().get({ challenge: 'A'.repeat(43) }, { userHandle: 'AAAA' })
  const responseOf = (change: object) => ({ ...good(), response: { ...good().response, ...change } })

  it('take what browsers add, now and later', async () => {
    const { passkey } = await withPasskey(test, realms.core)
    const signed = passkey.get(await signInOptions(test, realms.core))
    const more = {
      ...signed,
      authenticatorAttachment: null,
      clientExtensionResults: { prf: { enabled: true }, largeBlob: {} },
      later: [{ deep: 1 }],
      response: { ...signed.response, later: true },
    }
    expect((await sendSignIn(test, realms.core, more)).status).toBe(200)
  })

  it.each([
    ['no object', 'x'],
    ['nothing in it', {}],
    ['another type', { ...good(), type: 'password' }],
    ['a long id', { ...good(), id: 'A'.repeat(1_365) }],
    ['a long signature', responseOf({ signature: 'A'.repeat(4_097) })],
    ['long client data', responseOf({ clientDataJSON: 'A'.repeat(8_193) })],
    ['padding', responseOf({ signature: 'AA==' })],
    ['bytes as a list', responseOf({ signature: [1, 2, 3] })],
    ['a long user handle', responseOf({ userHandle: 'A'.repeat(89) })],
  ])('with %s are refused', async (_, response) => {
    expect(await sendSignIn(test, realms.core, response as object)).toMatchObject({ status: 422 })
  })

  it.each(['', 'null', '[]', '"x"', '{}', '{"challenge":{}}', '{"challenge":1}', '{', '\u0000'])(
    'with the client data %j are refused',
    async (text) => {
      const clientDataJSON = Buffer.from(text || ' ').toString('base64url')
      expect(await sendSignIn(test, realms.core, responseOf({ clientDataJSON }))).toMatchObject(REFUSED)
    },
  )
})
