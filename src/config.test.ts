import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from './config.ts'

const SECRET = 'r4nd0m-Looking/secret+of-44-characters==abcd'

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    expect(loadConfig({})).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 8000,
      shutdownDelay: 0,
      databaseUrl: undefined,
      dataDir: '.tenantry',
      tenantHeader: 'x-tenant-id',
      tenantConnections: 40,
      tenantConnectionsPerTenant: 4,
      accessTokenTtl: 600,
      refreshTokenTtl: 2_592_000,
      sessionIdleTtl: 1_209_600,
      rateLimits: true,
      rateLimitFactor: 10,
      organizationsPerDay: 50,
      docs: true,
      trustedProxies: [],
      log: { level: 'info', format: 'json' },
    })
  })

  describe('passkeys', () => {
    const SHOP = 'https://app.shop.example'

    it.each([
      [{}, { rpId: 'localhost', origins: ['http://localhost:8000'] }],
      [{ PORT: '9000' }, { rpId: 'localhost', origins: ['http://localhost:9000'] }],
      [{ PUBLIC_URL: `${SHOP}/start/` }, { rpId: 'app.shop.example', origins: [SHOP] }],
      [
        { PUBLIC_URL: SHOP, PASSKEY_RP_ID: 'shop.example' },
        { rpId: 'shop.example', origins: [SHOP] },
      ],
      [
        { PASSKEY_RP_ID: 'shop.example', PASSKEY_ORIGINS: `${SHOP}, https://admin.shop.example:8443` },
        { rpId: 'shop.example', origins: [SHOP, 'https://admin.shop.example:8443'] },
      ],
      [
        { PASSKEY_ORIGINS: `android:apk-key-hash:${'a'.repeat(43)},${SHOP}` },
        { rpId: 'app.shop.example', origins: [`android:apk-key-hash:${'a'.repeat(43)}`, SHOP] },
      ],
    ])('with %j belong to %j', (env, passkeys) => {
      expect(loadConfig(env).passkeys).toEqual(passkeys)
    })

    it.each([
      { NODE_ENV: 'production', TENANTRY_SECRET: SECRET },
      { PUBLIC_URL: 'http://192.0.2.1:8000' },
      { PUBLIC_URL: 'https://[2001:db8::1]' },
      { PUBLIC_URL: 'http://app.shop.example' },
    ])('are off with %j, which no browser would have them for', (env) => {
      expect(loadConfig(env).passkeys).toBeUndefined()
    })

    it.each([
      { PASSKEY_ORIGINS: 'https://shop.example/' },
      { PASSKEY_ORIGINS: 'shop.example' },
      { PASSKEY_ORIGINS: 'http://shop.example' },
      { PASSKEY_ORIGINS: `${SHOP},https://elsewhere.example` },
      { PASSKEY_ORIGINS: 'https://evilshop.example', PASSKEY_RP_ID: 'shop.example' },
      { PASSKEY_ORIGINS: '*', PASSKEY_RP_ID: 'shop.example' },
      { PASSKEY_ORIGINS: 'android:apk-key-hash:short', PASSKEY_RP_ID: 'shop.example' },
      { PASSKEY_RP_ID: 'shop.example' },
      { PUBLIC_URL: SHOP, PASSKEY_RP_ID: 'example' },
      { PUBLIC_URL: SHOP, PASSKEY_RP_ID: 'https://shop.example' },
    ])('refuses %j', (env) => {
      expect(problemsOf(env)).toEqual([expect.stringMatching(/^PASSKEY_ORIGINS must be/)])
    })
  })

  it('logs prettily at a terminal', () => {
    expect(loadConfig({}, true).log.format).toBe('pretty')
  })

  it('gives load balancers time to notice a stop, in production', () => {
    expect(loadConfig({ NODE_ENV: 'production', TENANTRY_SECRET: SECRET }).shutdownDelay).toBe(2)
    expect(loadConfig({ SHUTDOWN_DELAY: '5s' }).shutdownDelay).toBe(5)
    expect(problemsOf({ SHUTDOWN_DELAY: '6s' })).toHaveLength(1)
  })

  it.each([
    ['1m', 60],
    ['36h', 129_600],
    ['90d', 7_776_000],
  ])('lets an unused session live for %s', (SESSION_IDLE_TTL, seconds) => {
    expect(loadConfig({ SESSION_IDLE_TTL }).sessionIdleTtl).toBe(seconds)
  })

  it.each(['59s', '91d', '14', '1w', '-1d'])('refuses the idle life %j', (SESSION_IDLE_TTL) => {
    expect(problemsOf({ SESSION_IDLE_TTL })[0]).toMatch(/^SESSION_IDLE_TTL/)
  })

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true)
  })

  it('N7 reports every problem at once', () => {
    const problems = problemsOf({
      PORT: '99999',
      DATABASE_URL: 'mysql://x/y',
      TENANT_HEADER: 'not a header',
      ACCESS_TOKEN_TTL: '1h',
      LOG_LEVEL: 'loud',
    })
    expect(problems.map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'TENANT_HEADER',
      'ACCESS_TOKEN_TTL',
      'LOG_LEVEL',
    ])
  })

  it.each(['0x10', '1e3', '-1', '8000.5', 'eighty', '8 0'])('refuses the port %j', (PORT) => {
    expect(problemsOf({ PORT })).toHaveLength(1)
  })

  it('N7 never repeats a secret in a problem', () => {
    const problems = problemsOf({
      DATABASE_URL: 'postgres:hunter2hunter2',
      TENANTRY_SECRET: 'hunter2hunter2',
    })
    expect(problems).toHaveLength(2)
    expect(problems.join()).not.toContain('hunter2')
  })

  describe('in production', () => {
    const production = { NODE_ENV: 'production', TENANTRY_SECRET: SECRET }

    it('starts with a strong secret', () => {
      expect(problemsOf(production)).toEqual([])
    })

    it.each([
      ['missing', ''],
      ['short', 'abc'],
      ['repetitive', 'ab'.repeat(30)],
    ])('refuses a %s secret', (_, secret) => {
      expect(problemsOf({ ...production, TENANTRY_SECRET: secret })[0]).toMatch(/^TENANTRY_SECRET/)
    })

    it('refuses to run without rate limits', () => {
      expect(problemsOf({ ...production, RATE_LIMITS: 'off' })[0]).toMatch(/^RATE_LIMITS/)
    })
  })
})
