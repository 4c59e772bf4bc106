import { defineErrors } from '../platform/index.ts'

export const scimErrors = defineErrors({
  invalidFilter: {
    code: 'scim-invalid-filter',
    status: 400,
    title: 'Filter not understood',
    detail: 'The filter is malformed, too long, or compares what cannot be searched for.',
  },
  invalidPath: {
    code: 'scim-invalid-path',
    status: 400,
    title: 'Path not understood',
    detail: 'The path of an operation is malformed, or names an attribute that this resource does not have.',
  },
  invalidValue: {
    code: 'scim-invalid-value',
    status: 400,
    title: 'Value not accepted',
    detail: 'A value is missing, of the wrong type, or too long.',
  },
  invalidSyntax: {
    code: 'scim-invalid-syntax',
    status: 400,
    title: 'Message not understood',
    detail: 'The body is no SCIM message of the kind that this address takes.',
  },
  noTarget: {
    code: 'scim-no-target',
    status: 400,
    title: 'Nothing to change',
    detail: 'The path of an operation selects nothing that is there.',
  },
  mutability: {
    code: 'scim-mutability',
    status: 400,
    title: 'Attribute cannot be changed',
    detail: 'This attribute belongs to the server.',
  },
  uniqueness: {
    code: 'scim-uniqueness',
    status: 409,
    title: 'Already there',
    detail: 'A resource with this userName, e-mail address or displayName exists already.',
  },
  tooMany: {
    code: 'scim-too-many',
    status: 413,
    title: 'Too many at once',
    detail: 'The request names more members, operations or attributes than one may.',
  },
  filterRefused: {
    code: 'scim-filter-refused',
    status: 403,
    title: 'Not to be filtered',
    detail: 'This list takes no filter.',
  },
  notImplemented: {
    code: 'scim-not-implemented',
    status: 501,
    title: 'Not supported',
    detail: 'This server has no bulk operations; /ServiceProviderConfig says what it has.',
  },
})
