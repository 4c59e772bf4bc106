export { accountRoutes } from './accounts/routes.ts'
export { authErrors } from './errors.ts'
export type { AuthEvents } from './events.ts'
export { type AccountPrincipal, SECURITY_SCHEMES } from './guards.ts'
export { type Identity, openIdentity } from './identity.ts'
export { type AccessTokens, createAccessTokens } from './keys/access-token.ts'
export { SigningKeyError } from './keys/key-pair.ts'
export type { KeyRing } from './keys/key-ring.ts'
export { type Keys, openKeys } from './keys/keys.ts'
export { KeysLockedError } from './keys/rotation.ts'
export { keyRoutes } from './keys/routes.ts'
export { type KeyRecord, listSigningKeys } from './keys/store.ts'
export { AUDIENCES, type Audience, signingKeys } from './keys/tables.ts'
export { oneTimeTokens } from './one-time/tables.ts'
export { createPasswordHasher, type PasswordHasher, passwordProblem } from './passwords/passwords.ts'
export { type AuthRoutesOptions, authRoutes } from './routes.ts'
export { secondFactorErrors } from './second-factor/errors.ts'
export { type SecondFactorRoutesOptions, secondFactorRoutes } from './second-factor/routes.ts'
export { type Freshness, requireStepUp, stepUpGuard } from './second-factor/step-up.ts'
export {
  proofTries,
  recoveryCodes,
  secondFactorChallenges,
  secondFactors,
} from './second-factor/tables.ts'
export { type AuthService, createAuthService } from './service.ts'
export { type SessionRoutesOptions, sessionRoutes } from './sessions/routes.ts'
export { createSessions, type Sessions } from './sessions/sessions.ts'
export { refreshTokens, sessions } from './sessions/tables.ts'
