export type { KeyAdmission } from './api-keys/admission.ts'
export type { KeyGuard } from './api-keys/guard.ts'
export type { KeyPrincipal } from './api-keys/principal.ts'
export { revokeKeysOf } from './api-keys/store.ts'
export { apiKeys } from './api-keys/tables.ts'
export { authErrors } from './errors.ts'
export type { AuthEvents } from './events.ts'
export { openExchanged } from './exchange/session.ts'
export { exchangedSessions } from './exchange/tables.ts'
export type { AccountPrincipal, CorePrincipal, SessionPrincipal, TenantPrincipal } from './guards.ts'
export { type Identity, openIdentity } from './identity.ts'
export { identityErrors, identityRoutes } from './identity-routes.ts'
export { impersonations } from './impersonation/tables.ts'
export { type AccessTokens, createAccessTokens } from './keys/access-token.ts'
export { SigningKeyError } from './keys/key-pair.ts'
export type { KeyRing } from './keys/key-ring.ts'
export { type Keys, openKeys } from './keys/keys.ts'
export { KeysLockedError } from './keys/rotation.ts'
export { type KeyRecord, listSigningKeys } from './keys/store.ts'
export { AUDIENCES, type Audience, signingKeys } from './keys/tables.ts'
export { oneTimeTokens } from './one-time/tables.ts'
export { hashOneTimeToken, looksLikeOneTimeToken, newOneTimeToken } from './one-time/token.ts'
export { type OpaqueTokens, opaqueTokens } from './opaque-token.ts'
export { passkeyChallenges, passkeys } from './passkeys/tables.ts'
export { guessesFor } from './passwords/guesses.ts'
export {
  createPasswordHasher,
  type PasswordHasher,
  passwordProblem,
  requireGoodPassword,
} from './passwords/passwords.ts'
export { requireStillPermitted } from './permission-guard.ts'
export { openForProvider, type ProviderProof } from './provider-session.ts'
export { createTenantOf } from './realm.ts'
export { limitedEverywhere, realmHeaders } from './routes.ts'
export { AuthResponse, NewPassword, presentSignedIn } from './schemas.ts'
export { secondFactorErrors } from './second-factor/errors.ts'
export { type Freshness, requireStepUp, stepUpGuard } from './second-factor/step-up.ts'
export {
  proofTries,
  recoveryCodes,
  secondFactorChallenges,
  secondFactors,
} from './second-factor/tables.ts'
export { describeSecurity } from './security-schemes.ts'
export { type AuthService, createAuthService, type SignedIn } from './service.ts'
export { type Origin, originOf } from './sessions/origin.ts'
export { createSessions, type Sessions } from './sessions/sessions.ts'
export { revokeSessionsOf } from './sessions/store.ts'
export { refreshTokens, sessions } from './sessions/tables.ts'
export { createNetworkLimit, type Limit } from './throttle/routes.ts'
export { throttles } from './throttle/tables.ts'
export type { Throttle } from './throttle/throttle.ts'
