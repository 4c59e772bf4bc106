import { type Static, Type } from 'typebox'
import { Exactly, httpErrors, Id, Nullable, Timestamp } from '../../http/index.ts'
import { canonicalDomain } from '../../users/index.ts'
import { recordOf } from './service.ts'
import type { Domain } from './store.ts'

export const DomainParams = Exactly({ id: Id })

export const NewDomain = Exactly({
  domain: Type.String({
    minLength: 3,
    maxLength: 253,
    description: 'What stands behind the @ of addresses.',
  }),
})

export const DomainBody = Exactly(
  {
    id: Id,
    domain: Type.String({ description: 'Lower case, as A-labels.' }),
    record: Exactly(
      { name: Type.String(), type: Type.Literal('TXT'), value: Type.String() },
      { description: 'What the owner of the domain publishes to show that it is this organization’s.' },
    ),
    created_at: Timestamp,
    verified_at: Nullable(Timestamp),
  },
  { $id: 'OrganizationDomain' },
)

export const DomainList = Type.Array(DomainBody)

/** A domain as the API writes one. */
export function presentDomain(domain: Domain): Static<typeof DomainBody> {
  return {
    id: domain.id,
    domain: domain.domain,
    record: { type: 'TXT', ...recordOf(domain) },
    created_at: domain.createdAt.toISOString(),
    verified_at: domain.verifiedAt?.toISOString() ?? null,
  }
}

/** The form that domains of addresses have. Throws httpErrors.validationFailed. */
export function readDomain({ domain }: Static<typeof NewDomain>): string {
  const canonical = canonicalDomain(domain)
  if (canonical === undefined)
    throw httpErrors.validationFailed({ errors: [{ pointer: '/domain', code: 'invalid-format' }] })
  return canonical
}
