import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseEnv } from 'node:util'
import type { LoggerOptions, LogLevel } from './platform/index.ts'

/** Everything that the environment decides. Read once, frozen, handed on; nothing else looks at `process.env`. */
export interface Config {
  readonly production: boolean
  readonly host: string
  readonly port: number
  /** Seconds for which a process that is told to stop goes on serving, so that load balancers notice. */
  readonly shutdownDelay: number
  /** The core database, or `undefined` for the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** The embedded PostgreSQL's data and generated secrets. */
  readonly dataDir: string
  /** Encrypts what must not lie in the clear; `undefined` means: generate one into the data directory. */
  readonly secret: string | undefined
  /** Where `servers add` finds the server's URL unless it is told. */
  readonly newServerUrl: string | undefined
  /** Lower case, as Node.js gives header names. */
  readonly tenantHeader: string
  /** Databases kept ready on each server. */
  readonly spareDatabases: number
  readonly tenantConnections: number
  readonly tenantConnectionsPerTenant: number
  /** Whether a tenant that lacks migrations is migrated when it is asked for, or waits for a run over the fleet. */
  readonly tenantMigrations: 'staged' | 'on-request'
  /** How many migrations a tenant may lack and still be served. */
  readonly tenantSchemaWindow: number
  /** Seconds. */
  readonly accessTokenTtl: number
  /** Seconds from the sign-in to the end of a session that no refresh moves. */
  readonly refreshTokenTtl: number
  /** Seconds after which a session ends that nobody refreshes. */
  readonly sessionIdleTtl: number
  readonly rateLimits: boolean
  /** Every limit is multiplied by it: wider outside production, so that a person who tries things out meets none. */
  readonly rateLimitFactor: number
  /** Most organizations that one user makes in 24 hours. */
  readonly organizationsPerDay: number
  /** Multiplies how many mails of one kind a person is sent in an hour. */
  readonly mailLimitFactor: number
  readonly docs: boolean
  readonly mail: {
    /** `undefined` means: keep mails to be read, or in production send none. */
    readonly smtpUrl: string | undefined
    /** The sender. */
    readonly from: string
    /** What links in mails begin with, without a slash at its end. */
    readonly publicUrl: string
    readonly outbox: boolean
    /** Whether the log shows what the outbox keeps. */
    readonly logsText: boolean
  }
  readonly sso: {
    /** Where identity providers send people back to: this server's callback, as the world reaches it; with an id behind it. */
    readonly callbackUrl: string
    /** Pages that a sign-in may end on, each exactly as written; the first one where a client names none. */
    readonly returnUrls: readonly string[]
    /** Whether identity providers may have addresses that only this network knows. */
    readonly allowsInternal: boolean
    /** Whether those may be spoken to without TLS. */
    readonly allowsPlain: boolean
  }
  /** `undefined` where no browser would make a passkey: they are off. */
  readonly passkeys: PasskeyConfig | undefined
  /** Addresses or networks of the proxies whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[]
  readonly log: Pick<LoggerOptions, 'level' | 'format'>
}

/** What passkeys are made for. */
export interface PasskeyConfig {
  /** The domain that they belong to. */
  readonly rpId: string
  /** Where the pages may lie that ask for one, as browsers write origins. */
  readonly origins: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment does not make sense; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((line) => `- ${line}`).join('\n')}`,
    )
    this.problems = problems
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const OUTSIDE_PRODUCTION = 10
/** A database takes about 8 MB of disk, and a tenth of a second of the server. */
const ORGANIZATIONS_PER_DAY = 5
const MIN_SECRET_LENGTH = 32
/** Fewer different characters than this is a repeated word, not a secret; 32 random hex digits have about 14. */
const MIN_SECRET_VARIETY = 8

/**
 * Turns an environment into a configuration. Pure: the same environment gives the same answer.
 *
 * @param env variables as in `.env.example`; empty counts as unset
 * @param terminal whether a person reads the log, which decides the default of LOG_FORMAT
 * @throws ConfigError with every problem at once
 */
export function loadConfig(env: Environment, terminal = false): Config {
  const read = new Reader(env)
  const environment = read.choice('NODE_ENV', ['development', 'production', 'test'], 'development')
  const production = environment === 'production'
  const port = read.integer('PORT', 8000, 0, 65_535)
  const rateLimits = read.onOff('RATE_LIMITS', 'on')
  const rateLimitFactor = production ? 1 : OUTSIDE_PRODUCTION
  const config: Config = {
    production,
    host: read.text('HOST', '127.0.0.1'),
    port,
    shutdownDelay: read.duration('SHUTDOWN_DELAY', production ? '2s' : '0s', 0, 5),
    databaseUrl: read.postgresUrl('DATABASE_URL'),
    dataDir: read.text('TENANTRY_DATA_DIR', '.tenantry'),
    secret: read.secret('TENANTRY_SECRET', production),
    newServerUrl: read.postgresUrl('NEW_SERVER_URL'),
    tenantHeader: read.headerName('TENANT_HEADER', 'X-Tenant-Id').toLowerCase(),
    spareDatabases: read.integer('SPARE_DATABASES', 2, 0, 1_000),
    tenantConnections: read.integer('TENANT_CONNECTIONS', 40, 1, 10_000),
    tenantConnectionsPerTenant: read.integer('TENANT_CONNECTIONS_PER_TENANT', 4, 1, 1_000),
    tenantMigrations: read.choice(
      'TENANT_MIGRATIONS',
      ['staged', 'on-request'],
      production ? 'staged' : 'on-request',
    ),
    tenantSchemaWindow: read.integer('TENANT_SCHEMA_WINDOW', 1, 0, 10_000),
    accessTokenTtl: read.duration('ACCESS_TOKEN_TTL', '10m', 60, 900),
    refreshTokenTtl: read.duration('REFRESH_TOKEN_TTL', '30d', 60, 90 * SECONDS.d),
    sessionIdleTtl: read.duration('SESSION_IDLE_TTL', '14d', 60, 90 * SECONDS.d),
    rateLimits,
    rateLimitFactor,
    organizationsPerDay: rateLimits ? ORGANIZATIONS_PER_DAY * rateLimitFactor : Number.POSITIVE_INFINITY,
    mailLimitFactor: rateLimits ? rateLimitFactor : Number.POSITIVE_INFINITY,
    docs: read.onOff('DOCS', 'on'),
    mail: readMail(read, environment, port),
    sso: readSso(read, production, port),
    passkeys: readPasskeys(read, production ? '' : `http://localhost:${port}`),
    trustedProxies: read.networks('TRUSTED_PROXIES'),
    log: {
      level: read.choice<LogLevel>('LOG_LEVEL', LOG_LEVELS, 'info'),
      format: read.choice('LOG_FORMAT', ['pretty', 'json'], terminal ? 'pretty' : 'json'),
    },
  }
  if (production && !config.rateLimits) read.problem('RATE_LIMITS', 'cannot be off with NODE_ENV=production')
  if (read.problems.length > 0) throw new ConfigError(read.problems)
  return Object.freeze(config)
}

function readMail(read: Reader, environment: string, port: number): Config['mail'] {
  const smtpUrl = read.url('SMTP_URL', ['smtp:', 'smtps:'])
  const production = environment === 'production'
  if (production && smtpUrl !== undefined) {
    read.require('MAIL_FROM', 'is required with SMTP_URL and NODE_ENV=production')
    read.require(
      'PUBLIC_URL',
      'is required with SMTP_URL and NODE_ENV=production: links in mails begin with it',
    )
  }
  return {
    smtpUrl,
    from: read.sender('MAIL_FROM', 'Tenantry <tenantry@localhost>'),
    publicUrl: read.baseUrl('PUBLIC_URL', `http://127.0.0.1:${port}`),
    outbox: !production,
    logsText: environment === 'development',
  }
}

function readSso(read: Reader, production: boolean, port: number): Config['sso'] {
  const base = read.baseUrl('PUBLIC_URL', `http://127.0.0.1:${port}`)
  const returnUrls = read.webPages('SSO_RETURN_URLS')
  const hasPages = read.text('PUBLIC_URL', '') !== ''
  return {
    callbackUrl: read.baseUrl('SSO_CALLBACK_URL', `${base}/api/v1/auth/sso/callback`),
    returnUrls: returnUrls.length === 0 && hasPages ? [`${base}/sso-complete`] : returnUrls,
    allowsInternal: read.onOff('SSO_INTERNAL_PROVIDERS', production ? 'off' : 'on'),
    allowsPlain: !production,
  }
}

/** @param fallback the origin where there is no PUBLIC_URL; empty for none */
function readPasskeys(read: Reader, fallback: string): PasskeyConfig | undefined {
  const listed = read.list('PASSKEY_ORIGINS')
  const origins = listed.length > 0 ? listed : [urlOf(read.text('PUBLIC_URL', fallback))?.origin ?? '']
  const rpId = read.text(
    'PASSKEY_RP_ID',
    origins.map((origin) => urlOf(origin)?.hostname).find(Boolean) ?? '',
  )
  if (isDomain(rpId) && origins.every((origin) => mayUsePasskeysOf(rpId, origin))) return { rpId, origins }
  const isWanted = listed.length > 0 || read.text('PASSKEY_RP_ID', '') !== ''
  if (isWanted)
    read.problem(
      'PASSKEY_ORIGINS',
      'must be origins of PASSKEY_RP_ID or of its subdomains: https://host, http://localhost:port, or android:apk-key-hash:…',
    )
  return undefined
}

/** The process's environment over what the file `.env` says, when there is one. */
export function readEnvironment(file = '.env'): Environment {
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  return { ...fromFile, ...process.env }
}

/** Reads variables one by one and keeps a list of what is wrong instead of stopping at the first. */
class Reader {
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  problem(name: string, what: string): void {
    this.problems.push(`${name} ${what}`)
  }

  text(name: string, fallback: string): string {
    return this.#env[name]?.trim() || fallback
  }

  require(name: string, otherwise: string): void {
    if (this.text(name, '') === '') this.problem(name, otherwise)
  }

  /** The value may hold a password, so the message does not repeat it. */
  url(name: string, protocols: readonly string[]): string | undefined {
    const text = this.text(name, '')
    if (text === '') return undefined
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url && protocols.includes(url.protocol) && url.hostname !== '') return text
    this.problem(name, `must look like ${protocols.map((protocol) => `${protocol}//host`).join(' or ')}`)
    return undefined
  }

  /** An address that others are appended to: no query, no fragment, no slash at its end. */
  baseUrl(name: string, fallback: string): string {
    const text = this.url(name, ['http:', 'https:']) ?? fallback
    if (/[?#@\s]/.test(text)) this.problem(name, 'must be an address without a user, a query or a fragment')
    return text.replace(/\/+$/, '')
  }

  sender(name: string, fallback: string): string {
    const text = this.text(name, fallback)
    if (!/^(?:[^<>\p{Cc}]*<[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/u.test(text))
      this.problem(name, 'must be an e-mail address, or a name and an address: Name <address>')
    return text
  }

  /** Words with commas between them. */
  list(name: string): readonly string[] {
    return this.text(name, '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }

  networks(name: string): readonly string[] {
    const networks = this.list(name)
    if (!networks.every(isNetwork))
      this.problem(name, 'must be IP addresses or networks, such as 10.0.0.0/8, with commas')
    return networks
  }

  /** Addresses of pages, with commas: no fragment, which is where something is appended. */
  webPages(name: string): readonly string[] {
    const pages = this.text(name, '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    if (!pages.every((page) => /^https?:[^#@\s]+$/.test(page) && URL.canParse(page)))
      this.problem(name, 'must be addresses of pages without a user and a fragment, with commas')
    return pages
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name, String(fallback))
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    this.problem(name, `must be a whole number from ${min} to ${max}`)
    return fallback
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.text(name, fallback)
    const found = choices.find((choice) => choice === text)
    if (found === undefined) this.problem(name, `must be one of ${choices.join(', ')}`)
    return found ?? fallback
  }

  onOff(name: string, fallback: 'on' | 'off'): boolean {
    return this.choice(name, ['on', 'off'], fallback) === 'on'
  }

  duration(name: string, fallback: string, minSeconds: number, maxSeconds: number): number {
    const match = /^(\d{1,6})([smhd])$/.exec(this.text(name, fallback))
    const seconds = match ? Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] : Number.NaN
    if (seconds >= minSeconds && seconds <= maxSeconds) return seconds
    this.problem(name, `must be a duration such as 10m or 30d, from ${minSeconds}s to ${maxSeconds}s`)
    return minSeconds
  }

  headerName(name: string, fallback: string): string {
    const text = this.text(name, fallback)
    if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text))
      this.problem(name, 'must be a header name such as X-Tenant-Id')
    return text
  }

  postgresUrl(name: string): string | undefined {
    const text = this.text(name, '')
    if (text === '') return undefined
    if (isPostgresUrl(text)) return text
    // The value holds a password, so the message does not repeat it.
    this.problem(name, 'must look like postgres://user:password@host:5432/database')
    return undefined
  }

  secret(name: string, required: boolean): string | undefined {
    const text = this.text(name, '')
    if (text === '') {
      if (required)
        this.problem(name, 'is required with NODE_ENV=production; make one: openssl rand -base64 32')
      return undefined
    }
    const strong = text.length >= MIN_SECRET_LENGTH && new Set(text).size >= MIN_SECRET_VARIETY
    if (!strong) this.problem(name, `is too weak: use ${MIN_SECRET_LENGTH} random characters or more`)
    return text
  }
}

/** Whether a text names a PostgreSQL server and a database on it. */
export function isPostgresUrl(text: string): boolean {
  const url = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && url.pathname.length > 1 && isDecodable(url.pathname)
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Browsers know passkeys of host names only. */
function isDomain(text: string): boolean {
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
  return isIP(text) === 0 && new RegExp(`^(?:localhost|${label}(?:[.]${label})+)$`).test(text)
}

/** Whether pages of this origin are let to passkeys of a domain: by browsers, and by us. An Android app has no address. */
function mayUsePasskeysOf(rpId: string, origin: string): boolean {
  if (/^android:apk-key-hash:[\w-]{43}$/.test(origin)) return true
  const url = urlOf(origin)
  if (url?.origin !== origin) return false
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && url.hostname === 'localhost')
  return isSecure && (url.hostname === rpId || url.hostname.endsWith(`.${rpId}`))
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}

function isDecodable(path: string): boolean {
  try {
    return decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}
