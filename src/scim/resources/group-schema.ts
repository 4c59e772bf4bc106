import { type Attribute, attribute, complex } from './attribute.ts'
import { EXTERNAL_ID } from './user-schema.ts'

const IMMUTABLE = { mutability: 'immutable', caseExact: true } as const

export const GROUP_ATTRIBUTES: readonly Attribute[] = [
  attribute('displayName', 'The name of the group; unique in the organization.', {
    required: true,
    uniqueness: 'server',
  }),
  complex(
    'members',
    'Users of the organization. Groups in groups are not supported.',
    [
      attribute('value', 'The id of the user.', IMMUTABLE),
      attribute('$ref', 'The address of the user.', {
        ...IMMUTABLE,
        type: 'reference',
        referenceTypes: ['User'],
      }),
      attribute('type', 'Always User.', { ...IMMUTABLE, canonicalValues: ['User'] }),
      attribute('display', 'How the user is called.', { mutability: 'readOnly' }),
    ],
    { multiValued: true },
  ),
]

/** Everything but the members that a body of a group may say; those are read by themselves, because they are many. */
export const GROUP_BODY: readonly Attribute[] = [
  ...GROUP_ATTRIBUTES.filter(({ name }) => name !== 'members'),
  EXTERNAL_ID,
]
