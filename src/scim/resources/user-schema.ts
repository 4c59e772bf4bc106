import { URN } from '../urns.ts'
import { type Attribute, attribute, complex, plural } from './attribute.ts'

const NAME = [
  attribute('formatted', 'The whole name, as it is shown.'),
  attribute('familyName', 'The family name.'),
  attribute('givenName', 'The given name.'),
  attribute('middleName', 'The middle names.'),
  attribute('honorificPrefix', 'What stands before the name.'),
  attribute('honorificSuffix', 'What stands behind the name.'),
]

const ADDRESS = [
  attribute('formatted', 'The whole address, as it is written on a letter.'),
  attribute('streetAddress', 'Street and number.'),
  attribute('locality', 'The town.'),
  attribute('region', 'The state or region.'),
  attribute('postalCode', 'The postal code.'),
  attribute('country', 'The country.'),
  attribute('type', 'What it is for.', { canonicalValues: ['work', 'home', 'other'] }),
  attribute('primary', 'Whether it is the one to use.', { type: 'boolean' }),
]

const URL_OF_ANY_KIND = { type: 'reference', referenceTypes: ['external'], caseExact: true } as const

/** The core attributes of users. What RFC 7643 has besides is taken and not kept: see `IGNORED`. */
export const USER_ATTRIBUTES: readonly Attribute[] = [
  attribute('userName', 'What the directory calls the user; unique in the organization.', {
    required: true,
    uniqueness: 'server',
  }),
  complex('name', 'The parts of the name.', NAME),
  attribute('displayName', 'The name that is shown.'),
  attribute('nickName', 'What the user is called by friends.'),
  attribute('profileUrl', 'A page about the user.', URL_OF_ANY_KIND),
  attribute('title', 'The job title.'),
  attribute('userType', 'How the user belongs to the organization.'),
  attribute('preferredLanguage', 'The language, as in Accept-Language.'),
  attribute('locale', 'How numbers and dates are written.'),
  attribute('timezone', 'The time zone, as in the IANA database.'),
  attribute('active', 'Whether the user may sign in. False ends every session at once.', { type: 'boolean' }),
  plural(
    'emails',
    'E-mail addresses. The primary one, or else the first, is the address of the account; of an account with a ' +
      'password of its own, or of the platform, the address stays what it is.',
    ['work', 'home', 'other'],
  ),
  plural('phoneNumbers', 'Telephone numbers.', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
  plural('photos', 'Addresses of pictures.', ['photo', 'thumbnail'], URL_OF_ANY_KIND),
  complex('addresses', 'Postal addresses.', ADDRESS, { multiValued: true }),
]

const MANAGER = [
  attribute('value', 'The id of the manager.', { caseExact: true }),
  attribute('$ref', 'The address of the manager.', {
    type: 'reference',
    referenceTypes: ['User'],
    caseExact: true,
  }),
  attribute('displayName', 'The name of the manager.', { mutability: 'readOnly' }),
]

/** The enterprise extension of users. */
export const ENTERPRISE_ATTRIBUTES: readonly Attribute[] = [
  attribute('employeeNumber', 'A number or a word that the organization gives.'),
  attribute('costCenter', 'The cost center.'),
  attribute('organization', 'The organization.'),
  attribute('division', 'The division.'),
  attribute('department', 'The department.'),
  complex('manager', 'Whom the user reports to. Kept as it is given.', MANAGER),
]

/** Of every resource; the client's own name for it. */
export const EXTERNAL_ID = attribute('externalId', 'What the client calls it.', { caseExact: true })

export const ENTERPRISE = complex(URN.enterpriseUser, 'The enterprise extension.', ENTERPRISE_ATTRIBUTES)

/** Everything that a body of a user may say. */
export const USER_BODY: readonly Attribute[] = [...USER_ATTRIBUTES, EXTERNAL_ID, ENTERPRISE]

/**
 * Attributes that are taken and mean nothing, in lower case: a password would not be the one that counts, roles are given
 * by members of the organization, and the others have no use here.
 */
export const IGNORED: ReadonlySet<string> = new Set([
  'schemas',
  'id',
  'meta',
  'password',
  'roles',
  'entitlements',
  'groups',
  'ims',
  'x509certificates',
])
