import { appErrorIn, defineErrors } from '../platform/index.ts'

/** RFC 6750 section 3: what a client that sent no usable token is told to send. */
export const CHALLENGE = 'Bearer realm="tenantry"'

export const authErrors = defineErrors({
  authenticationRequired: {
    code: 'authentication-required',
    status: 401,
    title: 'Authentication required',
    detail: 'Send an access token: Authorization: Bearer <token>.',
    headers: { 'www-authenticate': CHALLENGE },
  },
  invalidToken: {
    code: 'invalid-token',
    status: 401,
    title: 'Invalid token',
    detail: 'The token is malformed, expired or revoked. Sign in again or refresh it.',
    headers: { 'www-authenticate': `${CHALLENGE}, error="invalid_token"` },
  },
  invalidCredentials: {
    code: 'invalid-credentials',
    status: 401,
    title: 'Invalid credentials',
    detail: 'E-mail or password is wrong.',
  },
  invalidLink: {
    code: 'invalid-link',
    status: 400,
    title: 'Invalid link',
    detail: 'The link is wrong, too old, was used, or a newer one replaced it. Ask for another one.',
  },
  linkedAccount: {
    code: 'linked-account',
    status: 409,
    title: 'Password of the platform',
    detail:
      'This account signs in with the password of its platform account. Change that one, without the tenant header.',
  },
  mailOff: {
    code: 'mail-off',
    status: 501,
    title: 'Mail is off',
    detail: 'This installation has no mail server, so it cannot send links. Its operator can set SMTP_URL.',
  },
  insufficientScope: {
    code: 'insufficient-scope',
    status: 403,
    title: 'Insufficient scope',
    detail:
      'This route needs the other kind of token: core tokens for the platform, tenant tokens for an organization.',
    headers: { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope"` },
  },
  adminRequired: {
    code: 'admin-required',
    status: 403,
    title: 'Platform administrators only',
    detail:
      'This route is for people who operate the platform; "tenantry admin create" makes somebody one of them.',
  },
  permissionDenied: {
    code: 'permission-denied',
    status: 403,
    title: 'Permission denied',
    detail: 'Your role in this organization does not allow this; its owner and its admins may.',
  },
  tenantHeaderRequired: {
    code: 'tenant-header-required',
    status: 400,
    title: 'Tenant header required',
    detail: 'Name the organization in the tenant header, which is X-Tenant-Id unless configured otherwise.',
  },
  tenantHeaderInvalid: {
    code: 'tenant-header-invalid',
    status: 400,
    title: 'Tenant header invalid',
    detail: 'The tenant header takes exactly one organization id: a UUID with dashes.',
  },
  tenantMismatch: {
    code: 'tenant-mismatch',
    status: 403,
    title: 'Wrong tenant',
    detail: 'The token belongs to another organization than the one in the tenant header.',
  },
})

/** Whether an error says that a secret is wrong, not that it could not be checked. */
export function isWrongSecret(error: unknown): boolean {
  return appErrorIn(error)?.code === authErrors.invalidCredentials.definition.code
}
