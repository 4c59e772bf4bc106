import { Type } from 'typebox'
import type { ErrorFormat } from '../http/index.ts'
import { SCIM_MEDIA_TYPE, SCIM_PREFIX, URN } from './urns.ts'

/** What RFC 7644, section 3.12, calls some of our errors; the others have no such name. */
const SCIM_TYPES: Readonly<Record<string, string>> = {
  'scim-invalid-filter': 'invalidFilter',
  'scim-invalid-path': 'invalidPath',
  'scim-invalid-value': 'invalidValue',
  'scim-invalid-syntax': 'invalidSyntax',
  'scim-no-target': 'noTarget',
  'scim-mutability': 'mutability',
  'scim-uniqueness': 'uniqueness',
  'email-taken': 'uniqueness',
  'malformed-request': 'invalidSyntax',
  'validation-failed': 'invalidValue',
}

const ScimErrorBody = Type.Object(
  {
    schemas: Type.Array(Type.Literal(URN.error), { minItems: 1, maxItems: 1 }),
    status: Type.String({ pattern: '^[45][0-9]{2}$', description: 'The status of the answer, as text.' }),
    scimType: Type.Optional(
      Type.Enum([...new Set(Object.values(SCIM_TYPES))], {
        description: 'The kind of error, for some of them.',
      }),
    ),
    detail: Type.String({ description: 'What happened, and what to do next.' }),
  },
  {
    $id: 'ScimError',
    title: 'ScimError',
    description: 'What went wrong, as RFC 7644, section 3.12, wants it.',
    additionalProperties: false,
  },
)

/** Errors of SCIM: the same errors as everywhere, as identity providers read them. RFC 7644 knows no 422. */
export const scimErrorFormat: ErrorFormat = {
  prefix: SCIM_PREFIX,
  mediaType: SCIM_MEDIA_TYPE,
  schema: ScimErrorBody,
  schemaId: 'ScimError',
  statusOf: (status) => (status === 422 ? 400 : status),
  write: ({ code, status, detail }) => ({
    schemas: [URN.error],
    status: String(scimErrorFormat.statusOf(status)),
    ...(SCIM_TYPES[code] !== undefined && { scimType: SCIM_TYPES[code] }),
    detail,
  }),
}
