import type { IDToken, UserInfoResponse } from 'openid-client'
import { isCleanText } from '../../http/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import { ssoErrors } from '../errors.ts'

/** What an identity provider said of somebody, as far as it matters here. */
export interface Claims {
  readonly issuer: string
  readonly subject: string
  /** Canonical; null where there is none that we accept. */
  readonly email: string | null
  /** Whether the provider says that it confirmed the address. */
  readonly isEmailVerified: boolean
  readonly fullName: string | null
  /** Seconds since 1970; null where it does not say. */
  readonly authTime: number | null
  /** Whether it says that it saw a second factor. */
  readonly hasMfa: boolean
}

const NAME_MAX_LENGTH = 200
/** Core 1.0 section 2: at most 255 ASCII characters. An empty one would be everybody's. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/
/** The end of the year 9999, in seconds since 1970. */
const LAST_SECOND = 253_402_300_799

/**
 * Reads what was checked before.
 *
 * @param more what the provider says elsewhere of the same subject: it fills gaps, and overrules nothing
 * @throws ssoErrors.ssoAnswerInvalid for a subject or a time that is none
 */
export function readClaims(token: IDToken, more: UserInfoResponse | undefined): Claims {
  // Address and confirmation belong together: never one from here and the other from there.
  const { email, email_verified: isVerified } = token['email'] === undefined && more ? more : token
  const name = token['name'] ?? more?.name
  return {
    issuer: token.iss,
    subject: subjectOf(token.sub),
    email: (typeof email === 'string' && canonicalEmail(email)) || null,
    isEmailVerified: isVerified === true,
    fullName: nameOf(name),
    authTime: token.auth_time === undefined ? null : timeOf(token.auth_time),
    hasMfa: Array.isArray(token['amr']) && token['amr'].includes('mfa'),
  }
}

function subjectOf(subject: string): string {
  if (!SUBJECT.test(subject)) throw ssoErrors.ssoAnswerInvalid()
  return subject
}

function timeOf(seconds: unknown): number {
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= LAST_SECOND))
    throw ssoErrors.ssoAnswerInvalid()
  return seconds
}

/** A name is decoration: one that we would not take from its owner is left out. */
function nameOf(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const text = name.normalize('NFC').trim()
  return text !== '' && text.length <= NAME_MAX_LENGTH && isCleanText(text) ? text : null
}
