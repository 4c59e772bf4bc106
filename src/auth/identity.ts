import type { Repeats } from '../audit/index.ts'
import type { Config } from '../config.ts'
import type { EventEmitter, Publisher } from '../events/index.ts'
import { createRateLimits } from '../http/index.ts'
import type { Mailer } from '../mail/index.ts'
import type { Clock, Logger, SecretBox } from '../platform/index.ts'
import type { CoreDb, Tenancy } from '../tenancy/index.ts'
import { type Accounts, createAccounts } from './accounts/accounts.ts'
import { createKeyAdmission, type KeyAdmission } from './api-keys/admission.ts'
import { type ApiKeyService, createApiKeyService } from './api-keys/service.ts'
import type { AuthEvents } from './events.ts'
import { createTokenExchange, type TokenExchange } from './exchange/service.ts'
import { createGuards, type Guards } from './guards.ts'
import { createImpersonations, type Impersonations } from './impersonation/service.ts'
import { createAccessTokens } from './keys/access-token.ts'
import { type Keys, openKeys } from './keys/keys.ts'
import { type Assertions, createAssertions } from './passkeys/assertions.ts'
import { createPasskeys, type Passkeys } from './passkeys/registration.ts'
import { createRelyingParty } from './passkeys/relying-party.ts'
import { createPasskeySignIn, type PasskeySignIn } from './passkeys/sign-in.ts'
import { createPasswordHasher, type PasswordHasher } from './passwords/passwords.ts'
import { createFactors, type Factors } from './second-factor/factors.ts'
import { createProofs } from './second-factor/proof.ts'
import { createSecondFactorSignIn, type SecondFactorSignIn } from './second-factor/sign-in.ts'
import { createStepUp, type StepUp } from './second-factor/step-up.ts'
import { type AuthService, createAuthService } from './service.ts'
import { createSessions, type Sessions } from './sessions/sessions.ts'
import { createThrottle, type Throttle } from './throttle/throttle.ts'

export interface IdentityOptions {
  readonly config: Config
  readonly core: CoreDb
  /** The core database's, for the connection that listens. */
  readonly databaseUrl: string
  readonly tenancy: Tenancy
  readonly box: SecretBox
  readonly mailer: Mailer
  readonly events: Publisher<AuthEvents> & Pick<EventEmitter<AuthEvents>, 'on'>
  readonly repeats: Repeats
  readonly clock: Clock
  readonly log: Logger
}

/** Who somebody is, and what shows it. */
export interface Identity extends Guards {
  readonly auth: AuthService
  readonly accounts: Accounts
  readonly keys: Keys
  readonly sessions: Sessions
  readonly secondFactor: SecondFactorSignIn
  readonly assertions: Assertions
  readonly passkeySignIn: PasskeySignIn
  readonly passkeys: Passkeys
  readonly factors: Factors
  readonly stepUp: StepUp
  readonly exchange: TokenExchange
  readonly impersonations: Impersonations
  readonly passwords: PasswordHasher
  readonly throttle: Throttle
  readonly keyAdmission: KeyAdmission
  readonly apiKeys: ApiKeyService
}

/**
 * Wires all that signs people in and lets them in. The caller closes `keys`.
 *
 * @throws SigningKeyError, or what the core database answers
 */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const { config, core, databaseUrl, tenancy, box, mailer, events, repeats, clock, log } = options
  const issuer = `urn:uuid:${await tenancy.installationId()}`
  const keys = await openKeys({ core, box, databaseUrl, clock, log })
  const tokens = createAccessTokens({ keys: keys.ring, issuer, ttl: config.accessTokenTtl, clock })
  const passwords = createPasswordHasher()
  const limits = { enabled: config.rateLimits, factor: config.rateLimitFactor }
  const throttle = createThrottle({ core, box, limits, log })
  const counted = createRateLimits(limits)
  const sessions = createSessions({ tokens, box, config, events, log, limits: counted })
  const relyingParty = createRelyingParty(config.passkeys, log)
  const assertions = createAssertions({ relyingParty, events, repeats, log })
  const passkeySignIn = createPasskeySignIn({ core, sessions, assertions, repeats })
  const proofs = createProofs({ box, clock, assertions, throttle })
  const secondFactor = createSecondFactorSignIn({ core, sessions, proofs, repeats })
  const keyAdmission = createKeyAdmission({ core, tenancy, repeats, clock, log })
  return {
    keys,
    keyAdmission,
    apiKeys: createApiKeyService(events),
    sessions,
    passwords,
    exchange: createTokenExchange({ core, tenancy, sessions, events, limits: counted }),
    impersonations: createImpersonations({ core, tenancy, tokens, mailer, events, log }),
    throttle,
    auth: createAuthService({
      ...{ core, sessions, secondFactor, passkeySignIn, passwords, throttle, events, repeats },
    }),
    secondFactor,
    assertions,
    passkeySignIn,
    passkeys: createPasskeys({ relyingParty, proofs, events }),
    factors: createFactors({ box, clock, proofs, events }),
    stepUp: createStepUp({ passwords, proofs, throttle, repeats }),
    accounts: createAccounts({ core, tenancy, passwords, throttle, mailer, events, repeats }),
    ...createGuards({ core, tenancy, tokens, keys: keyAdmission, tenantHeader: config.tenantHeader }),
  }
}
