import { defineErrors } from '../platform/index.ts'

export const ssoErrors = defineErrors({
  ssoNotConfigured: {
    code: 'sso-not-configured',
    status: 404,
    title: 'No identity provider',
    detail:
      'No organization signs people in through an identity provider here. Sign in with a password instead.',
  },
  ssoAttemptInvalid: {
    code: 'sso-attempt-invalid',
    status: 400,
    title: 'Sign-in not valid',
    detail: 'This sign-in was finished, took too long, was begun elsewhere or never was. Begin again.',
  },
  ssoAnswerInvalid: {
    code: 'sso-answer-invalid',
    status: 400,
    title: 'Answer of the identity provider not valid',
    detail:
      'What the identity provider said does not hold. Begin again; if it stays so, tell your administrator.',
  },
  ssoDenied: {
    code: 'sso-denied',
    status: 403,
    title: 'Refused by the identity provider',
    detail: 'The identity provider did not let you in, or you did not go through with it.',
  },
  ssoEmailUnverified: {
    code: 'sso-email-unverified',
    status: 403,
    title: 'Address not confirmed',
    detail:
      'Your identity provider does not say that it confirmed your e-mail address, so you cannot join with it.',
  },
  ssoDomainUnverified: {
    code: 'sso-domain-unverified',
    status: 403,
    title: 'Domain not verified',
    detail: 'Your e-mail address is of a domain that this organization has not shown to be its own.',
  },
  ssoAccountExists: {
    code: 'sso-account-exists',
    status: 409,
    title: 'Account exists',
    detail:
      'An account with this e-mail address is here already. Sign in to it as before and link it: POST /api/v1/auth/sso/link.',
  },
  ssoAccountInactive: {
    code: 'sso-account-inactive',
    status: 403,
    title: 'Account deactivated',
    detail: 'Your account in this organization is deactivated. Its owner and its admins can change that.',
  },
  ssoIdentityTaken: {
    code: 'sso-identity-taken',
    status: 409,
    title: 'Identity in use',
    detail: 'This identity belongs to another member of the organization.',
  },
  ssoIssuerUnusable: {
    code: 'sso-issuer-unusable',
    status: 422,
    title: 'Identity provider not usable',
    detail: 'This identity provider cannot be used; the reason says why.',
  },
  ssoNotReady: {
    code: 'sso-not-ready',
    status: 409,
    title: 'Nobody could get in',
    detail: 'Enable an identity provider and verify a domain first.',
  },
  ssoOnlyActive: {
    code: 'sso-only-active',
    status: 409,
    title: 'The only way in',
    detail:
      'Members get in through this alone. Let them in otherwise first: sso_only of /api/v1/organization.',
  },
  providerUnavailable: {
    code: 'identity-provider-unavailable',
    status: 503,
    title: 'Identity provider not available',
    detail: 'The identity provider of this organization does not answer. Try again in a moment.',
    retryAfter: 5,
  },
  providerFailed: {
    code: 'identity-provider-failed',
    status: 502,
    title: 'Identity provider failed',
    detail:
      'The identity provider of this organization does not answer as it should. Its administrator can look why.',
  },
  domainTaken: {
    code: 'domain-taken',
    status: 409,
    title: 'Domain verified elsewhere',
    detail: 'Another organization has shown that this domain is its own.',
  },
  domainClaimed: {
    code: 'domain-claimed',
    status: 409,
    title: 'Domain claimed',
    detail: 'This organization claimed the domain before.',
  },
  domainLimit: {
    code: 'domain-limit',
    status: 409,
    title: 'Too many domains',
    detail: 'An organization can claim 50 domains. Remove one first.',
  },
  domainUnproven: {
    code: 'domain-unproven',
    status: 409,
    title: 'Record not found',
    detail:
      'The domain does not have the TXT record. What was published just now may take some time to be seen.',
  },
  dnsUnavailable: {
    code: 'dns-unavailable',
    status: 503,
    title: 'Name servers not available',
    detail: 'The name servers of the domain do not answer. Try again in a moment.',
    retryAfter: 30,
  },
})
