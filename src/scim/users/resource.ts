import { httpErrors } from '../../http/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'
import type { PathScope } from '../patch/path.ts'
import { type Attributes, isObject, readAttributes, requireObject, requireShort } from '../resources/read.ts'
import { IGNORED, USER_BODY } from '../resources/user-schema.ts'
import { URN } from '../urns.ts'
import { foldName } from './user-name.ts'

/** A user as a directory describes it. */
export interface DirectoryUser {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  /** Canonical; `undefined` where it gives none that we accept. */
  readonly email: string | undefined
  readonly fullName: string | null
  /** `undefined` where it does not say. */
  readonly isActive: boolean | undefined
  /** All that it says, as it is answered. */
  readonly attributes: Attributes
}

/** What the path of an operation on a user may name. */
export const USER_SCOPE: PathScope = { attributes: USER_BODY, urn: URN.user, ignored: IGNORED }

const FULL_NAME_CHARACTERS = 255

/**
 * Reads the body of a user.
 *
 * @throws scimErrors; httpErrors.payloadTooLarge
 */
export function readUser(body: unknown): DirectoryUser {
  const attributes = readAttributes(USER_BODY, requireObject(body))
  const { userName, externalId, active } = attributes
  if (typeof userName !== 'string' || userName.trim() === '')
    throw scimErrors.invalidValue({ detail: 'A user has a userName.' })
  if (Buffer.byteLength(JSON.stringify(attributes)) > SCIM_LIMITS.attributesBytes)
    throw httpErrors.payloadTooLarge()
  return {
    userName,
    userNameKey: requireShort('userName', foldName(userName)),
    externalId: typeof externalId === 'string' ? requireShort('externalId', externalId) : null,
    email: canonicalEmail(chosenEmail(attributes) ?? userName),
    fullName: fullNameOf(attributes),
    isActive: typeof active === 'boolean' ? active : undefined,
    attributes,
  }
}

/** The primary address, or the one for work, or else the first. */
function chosenEmail({ emails }: Attributes): string | undefined {
  const given = Array.isArray(emails) ? emails.filter(isObject) : []
  const chosen =
    given.find(({ primary }) => primary === true) ?? given.find(({ type }) => type === 'work') ?? given[0]
  const value = chosen?.['value']
  return typeof value === 'string' ? value : undefined
}

/** The whole name, or what can be put together; null where there is none. */
export function fullNameOf({ name, displayName }: Attributes): string | null {
  const { formatted, givenName, familyName } = isObject(name) ? name : {}
  const parts = [givenName, familyName].filter((part) => typeof part === 'string').join(' ')
  const chosen = [formatted, parts, displayName].find((one) => typeof one === 'string' && one.trim() !== '')
  return typeof chosen === 'string' ? shortened(chosen.trim().normalize('NFC')) : null
}

/** By code points: half of one is no text. */
function shortened(text: string): string {
  return text.length > FULL_NAME_CHARACTERS ? [...text].slice(0, FULL_NAME_CHARACTERS / 2).join('') : text
}
