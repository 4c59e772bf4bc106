/** A sort of text in which no secret may be, but for the kinds that belong there. */
export type Place = 'log' | 'answer' | 'mail' | 'database' | 'process' | 'server log'

/** Secrets that are known by their looks. A new kind of token is one line here, and is then looked for everywhere. */
export const RECOGNIZABLE: Readonly<Record<string, RegExp>> = {
  // With its first dot, because a random hash in base64url may well begin like a token.
  'a signed token': /(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}/,
  'a refresh token': /(?<![\w-])trt_[\w-]{43}/,
  'a one-time token': /(?<![\w-])tro_[\w-]{43}/,
  'a challenge token': /(?<![\w-])trm_[\w-]{43}/,
  'an API key': /(?<![\w-])tnk_[\w-]{43,}/,
  'an address of an authenticator': /otpauth:/,
  'a hash of a password': /\$argon2|\$2[aby]\$\d\d\$/,
  'a verifier of a password': /SCRAM-SHA-256\$/,
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY|"d" ?: ?"[\w-]{43}"/,
  // `password` stands for one in what explains how to write an address.
  'an address with a password': /\b[a-z][a-z0-9+]*:\/\/[^\s:/@"']*:(?!password@)[^\s:/@"'*]+@/i,
}

/** Kinds that a place is there for. */
export const AT_HOME: Readonly<Record<Place, readonly string[]>> = {
  log: [],
  // Where they may be in an answer, by its fields, is checked for each answer in `sane.ts`.
  answer: Object.keys(RECOGNIZABLE),
  mail: ['a one-time token'],
  database: ['a hash of a password'],
  // Outside production the terminal shows mails that nobody delivers, with their links.
  process: ['a one-time token'],
  'server log': [],
}

/**
 * Fields whose values are learnt as secrets, in whatever a test sends or is answered, however deep: those that have no looks.
 */
export const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'password',
  'current_password',
  'new_password',
  'secret',
  'client_secret',
  'recovery_code',
  'recovery_codes',
])
