import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { exportJWK } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { newId } from '../../platform/index.ts'
import { createAccessTokens } from './access-token.ts'
import type { SigningKey } from './key-pair.ts'
import type { KeyRing } from './key-ring.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const seconds = NOW.getTime() / 1000
const ISSUER = 'urn:uuid:0199aaaa-0000-7000-8000-000000000000'
const [USER, SESSION, TENANT, ACTOR] = [newId(), newId(), newId(), newId()]

const core = makeKey('core')
const tenant = makeKey('tenant')
const byId = new Map([
  [core.kid, core],
  [tenant.kid, tenant],
])
/** A key that another process made, and this one has not heard of. */
const unheard = { ...makeKey('tenant'), kid: 'unheard-key' }
const keys: KeyRing = {
  find: (kid) => byId.get(kid),
  findAfresh: async (kid) => {
    if (kid === unheard.kid) byId.set(kid, unheard)
    return byId.get(kid)
  },
  signing: (audience) => ({ core, tenant })[audience],
  published: [],
}
let now = NOW
const tokens = createAccessTokens({ keys, issuer: ISSUER, ttl: 600, clock: { now: () => now } })
afterEach(() => {
  now = NOW
  byId.set(tenant.kid, tenant)
})

function makeKey(audience: 'core' | 'tenant'): SigningKey {
  return { kid: `${audience}-key`, audience, ...generateKeyPairSync('ed25519') }
}

const HEADER = { alg: 'EdDSA', typ: 'at+jwt', kid: tenant.kid }
const CLAIMS = {
  iss: ISSUER,
  aud: 'tenant',
  sub: USER,
  sid: SESSION,
  tid: TENANT,
  jti: newId(),
  iat: seconds,
  exp: seconds + 600,
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token with exactly these parts, truly signed unless told otherwise. */
function forge(header: object = {}, claims: object = {}, key: KeyObject = tenant.privateKey): string {
  const text = `${encode({ ...HEADER, ...header })}.${encode({ ...CLAIMS, ...claims })}`
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
}

async function refuses(token: string): Promise<void> {
  await expect(tokens.verify(token)).rejects.toMatchObject({ status: 401, code: 'invalid-token' })
}

describe('access tokens', () => {
  it('say what they were issued for', async () => {
    const issued = await tokens.issue({
      audience: 'tenant',
      userId: USER,
      sessionId: SESSION,
      tenantId: TENANT,
    })
    await expect(tokens.verify(issued)).resolves.toEqual({
      audience: 'tenant',
      userId: USER,
      sessionId: SESSION,
      tenantId: TENANT,
      expiresAt: seconds + 600,
    })
    const coreToken = await tokens.issue({ audience: 'core', userId: USER, sessionId: SESSION })
    await expect(tokens.verify(coreToken)).resolves.toMatchObject({ audience: 'core', userId: USER })
  })

  it('the forger of these tests can make a good one', async () => {
    await expect(tokens.verify(forge())).resolves.toMatchObject({ userId: USER })
  })

  it.each(['none', 'None', 'NONE', 'nOnE'])('A1 refuses alg %s without a signature', async (alg) => {
    await refuses(`${encode({ ...HEADER, alg })}.${encode(CLAIMS)}.`)
  })

  it('A2 refuses HS256 signed with the public key in any form', async () => {
    const pem = tenant.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const forms = [
      pem,
      ` ${pem}`,
      `\n${pem}`,
      tenant.publicKey.export({ format: 'der', type: 'spki' }),
      JSON.stringify(await exportJWK(tenant.publicKey)),
    ]
    for (const secret of forms) {
      const text = `${encode({ ...HEADER, alg: 'HS256' })}.${encode(CLAIMS)}`
      await refuses(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)
    }
  })

  it.each(['ES256', 'RS256', 'PS256', 'Ed448', 'HS512'])(
    'A3 refuses alg %s under an Ed25519 kid',
    async (alg) => {
      await refuses(forge({ alg }))
    },
  )

  it.each([
    undefined,
    'unknown',
    ['tenant-key'],
    7,
    'x'.repeat(3_000),
    '../../../dev/null',
    "' OR 1=1--",
    'http://127.0.0.1/',
    '__proto__',
    'constructor',
  ])('A4 refuses the kid %j', async (kid) => {
    await refuses(forge({ kid }))
  })

  it('A5 asks nobody for a key', async () => {
    let calls = 0
    const trap = createServer(() => calls++).listen(0, '127.0.0.1')
    await once(trap, 'listening')
    const { port } = trap.address() as AddressInfo
    const attacker = generateKeyPairSync('ed25519')
    const jwk = await exportJWK(attacker.publicKey)
    const url = `http://127.0.0.1:${port}/keys`
    for (const header of [{ jku: url }, { x5u: url }, { jwk }, { x5c: ['AAAA'] }]) {
      await refuses(forge({ ...header, kid: 'attacker' }, {}, attacker.privateKey))
      await refuses(forge(header, {}, attacker.privateKey))
    }
    trap.close()
    expect(calls).toBe(0)
  })

  it.each([
    { crit: ['foo'], foo: 1 },
    { crit: ['b64'], b64: false },
    { b64: false, crit: [] },
  ])('A6 refuses the header %j', async (header) => {
    await refuses(forge(header))
  })

  it.each([undefined, 'JWT', 'refresh+jwt', 'id+jwt', ''])('A7 refuses typ %j', async (typ) => {
    await refuses(forge({ typ }))
  })

  it('A8 refuses a core token signed with the tenant key, and the other way round', async () => {
    await refuses(forge({ kid: tenant.kid }, { aud: 'core', tid: undefined }))
    await refuses(forge({ kid: core.kid }, {}, core.privateKey))
  })

  it.each([
    { sub: 7 },
    { sub: {} },
    { sub: null },
    { sub: undefined },
    { sub: 'x'.repeat(2_000) },
    { sub: USER.toUpperCase() },
    { sid: undefined },
    { tid: undefined },
    { tid: [TENANT] },
    { tid: TENANT.toUpperCase() },
    { tid: '' },
    { jti: undefined },
    { aud: ['tenant'] },
    { aud: ['core', 'tenant'] },
    { aud: 'Tenant' },
    { aud: 'core' },
  ])('A10 refuses the claims %j', async (claims) => {
    await refuses(forge({}, claims))
  })

  it('say who acts, and then live an hour at most', async () => {
    const subject = { audience: 'tenant', userId: USER, sessionId: SESSION, tenantId: TENANT } as const
    const acted = await tokens.issue({ ...subject, actorId: ACTOR }, 7_200)
    await expect(tokens.verify(acted)).resolves.toEqual({
      ...subject,
      actorId: ACTOR,
      expiresAt: seconds + 3_600,
    })
    now = new Date(NOW.getTime() + 3_590_000)
    await expect(tokens.verify(acted)).resolves.toMatchObject({ actorId: ACTOR })
    const late = createAccessTokens({ keys, issuer: ISSUER, ttl: 600, clock: { now: () => now } })
    await expect(late.verify(acted)).resolves.toMatchObject({ actorId: ACTOR })
    now = new Date(NOW.getTime() + 3_606_000)
    await refuses(acted)
  })

  it.each([
    { act: null },
    { act: ACTOR },
    { act: [{ sub: ACTOR }] },
    { act: {} },
    { act: { sub: undefined } },
    { act: { sub: 7 } },
    { act: { sub: ACTOR.toUpperCase() } },
    { act: { sub: ACTOR, act: { sub: ACTOR } } },
    { act: { sub: ACTOR, iss: ISSUER } },
    { act: { sub: ACTOR }, exp: seconds + 3_601 },
    { act: undefined, exp: seconds + 3_600 },
  ])('A10 refuses who acts as %j', async (claims) => {
    await refuses(forge({}, claims))
  })

  it('A10 refuses an actor on the platform', async () => {
    const claims = { aud: 'core', tid: undefined }
    await expect(tokens.verify(forge({ kid: core.kid }, claims, core.privateKey))).resolves.toBeDefined()
    await refuses(forge({ kid: core.kid }, { ...claims, act: { sub: ACTOR } }, core.privateKey))
  })

  it.each([
    { exp: undefined },
    { exp: String(seconds + 600) },
    { exp: 1e308 },
    { exp: -1 },
    { exp: seconds - 60, iat: seconds },
    { exp: seconds + 901 },
    { exp: seconds + 86_400, iat: seconds },
    { exp: seconds + 600.5 },
    { iat: undefined },
  ])('A11 refuses the times %j', async (claims) => {
    await refuses(forge({}, claims))
  })

  it.each([
    { iat: seconds + 3_600, exp: seconds + 4_200 },
    { nbf: seconds + 3_600 },
    { iat: seconds - 606, exp: seconds - 6 },
  ])('A12 refuses the times %j', async (claims) => {
    await refuses(forge({}, claims))
  })

  it('A12 tolerates five seconds', async () => {
    await expect(tokens.verify(forge({}, { iat: seconds - 604, exp: seconds - 4 }))).resolves.toBeDefined()
  })

  it('A12 refuses a remembered token once it is over', async () => {
    const token = forge()
    await tokens.verify(token)
    now = new Date(NOW.getTime() + 604_000)
    await expect(tokens.verify(token)).resolves.toBeDefined()
    now = new Date(NOW.getTime() + 606_000)
    await refuses(token)
  })

  it('asks for a key that it has not heard of yet', async () => {
    const token = forge({ kid: unheard.kid }, {}, unheard.privateKey)
    await expect(tokens.verify(token)).resolves.toMatchObject({ userId: USER })
  })

  it('A18 refuses a remembered token once its key is gone', async () => {
    const token = forge()
    await expect(tokens.verify(token)).resolves.toBeDefined()
    byId.delete(tenant.kid)
    await refuses(token)
    await refuses(forge())
  })

  it.each([undefined, `${ISSUER}/`, 'urn:uuid:0199bbbb-0000-7000-8000-000000000000', 'https://tenantry.dev'])(
    'A13 refuses the issuer %j',
    async (iss) => {
      await refuses(forge({}, { iss }))
    },
  )

  it.each(['', 'x', 'a.b', 'a.b.c', '..', 'a.b.c.d', `${'a'.repeat(4_000)}`])('refuses the text %j', refuses)

  it('refuses a token with any one character changed', async () => {
    const token = await tokens.issue({ audience: 'core', userId: USER, sessionId: SESSION })
    // The last character of a base64url part may hold unused bits, which change nothing.
    const ends = new Set([token.indexOf('.') - 1, token.lastIndexOf('.') - 1, token.length - 1])
    const place = fc.nat(token.length - 1).filter((index) => !ends.has(index))
    await fc.assert(
      fc.asyncProperty(place, fc.constantFrom(...'ABCxyz019-_.'), async (index, letter) => {
        fc.pre(token[index] !== letter)
        await refuses(token.slice(0, index) + letter + token.slice(index + 1))
      }),
    )
  })

  it('A23 never mixes two remembered tokens', async () => {
    const subjects = Array.from({ length: 4 }, () => ({
      userId: newId(),
      sessionId: newId(),
      tenantId: newId(),
    }))
    const issued = await Promise.all(
      subjects.map((subject) => tokens.issue({ audience: 'tenant', ...subject })),
    )
    for (let round = 0; round < 5_000; round++) {
      const index = round % subjects.length
      expect(await tokens.verify(issued[index] ?? '')).toMatchObject(subjects[index] ?? {})
    }
  })
})
