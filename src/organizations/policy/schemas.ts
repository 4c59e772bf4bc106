import { type Static, Type } from 'typebox'
import { Exactly, httpErrors, Id, Timestamp } from '../../http/index.ts'
import { canonicalDomain } from '../../users/index.ts'
import type { Policy, PolicyChanges } from './store.ts'
import { REGISTRATION_MODES } from './tables.ts'

const Registration = Type.Enum([...REGISTRATION_MODES], {
  description: 'Who may join: anybody, the invited, or nobody.',
})

const SecondFactorRequired = Type.Boolean({
  description: 'Whether members without a second factor are let do nothing but set one up.',
})

const ImpersonationAllowed = Type.Boolean({
  description:
    'Whether administrators of the platform may act as members, for a short time and in your sight.',
})

const SsoOnly = Type.Boolean({
  description: 'Whether members get in through the identity provider alone; owners always have another way.',
})

export const PolicyBody = Exactly(
  {
    id: Id,
    registration: Registration,
    allowed_email_domains: Type.Array(Type.String(), {
      description: 'Lower case, as A-labels; addresses of other domains are refused. Empty: any domain.',
    }),
    second_factor_required: SecondFactorRequired,
    allow_impersonation: ImpersonationAllowed,
    sso_only: SsoOnly,
    updated_at: Timestamp,
  },
  { $id: 'OrganizationPolicy' },
)

export const PolicyUpdate = Exactly({
  registration: Type.Optional(Registration),
  allowed_email_domains: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 254 }), { maxItems: 100 }),
  ),
  second_factor_required: Type.Optional(SecondFactorRequired),
  allow_impersonation: Type.Optional(ImpersonationAllowed),
  sso_only: Type.Optional(SsoOnly),
})

/** A policy as the API writes one. */
export function presentPolicy(id: string, policy: Policy): Static<typeof PolicyBody> {
  return {
    id,
    registration: policy.registration,
    allowed_email_domains: [...policy.allowedEmailDomains],
    second_factor_required: policy.isSecondFactorRequired,
    allow_impersonation: policy.isImpersonationAllowed,
    sso_only: policy.isSsoOnly,
    updated_at: policy.updatedAt.toISOString(),
  }
}

/** The other direction; domains get the form that those of addresses have, once each. Throws httpErrors.validationFailed. */
export function readPolicyUpdate(update: Static<typeof PolicyUpdate>): PolicyChanges {
  const { registration, allowed_email_domains: domains, second_factor_required: factor } = update
  const { allow_impersonation: isImpersonationAllowed, sso_only: ssoOnly } = update
  return {
    ...(registration !== undefined && { registration }),
    ...(domains !== undefined && { allowedEmailDomains: [...new Set(domains.map(readDomain))].sort() }),
    ...(factor !== undefined && { isSecondFactorRequired: factor }),
    ...(isImpersonationAllowed !== undefined && { isImpersonationAllowed }),
    ...(ssoOnly !== undefined && { isSsoOnly: ssoOnly }),
  }
}

function readDomain(text: string, index: number): string {
  const domain = canonicalDomain(text)
  if (domain === undefined)
    throw httpErrors.validationFailed({
      errors: [{ pointer: `/allowed_email_domains/${index}`, code: 'invalid-format' }],
    })
  return domain
}
