import { buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client'
import { httpErrors } from '../../http/index.ts'
import type { Id } from '../../platform/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import { openSecret } from '../connection/secret.ts'
import { findConnection } from '../connection/store.ts'
import { findOwnerOfDomain } from '../domains/store.ts'
import { ssoErrors } from '../errors.ts'
import { providerFailure } from '../provider/failures.ts'
import { redirectUriOf } from '../redirect-uri.ts'
import type { SignInOptions } from './options.ts'
import { insertAttempt } from './store.ts'
import { attempts, secretsOf, states } from './tokens.ts'

/** What somebody wants who begins. */
export interface Beginning {
  /** As it was typed; tells the provider whom to expect. */
  readonly email?: string | undefined
  readonly returnUrl?: string | undefined
  /** Whether the provider shall ask anew although somebody is signed in there. */
  readonly isAnew?: boolean | undefined
}

/** What the client goes on with. */
export interface Begun {
  /** Where the browser goes. */
  readonly authorizationUrl: string
  /** For the client alone: with the code that the browser brings back it makes a session. */
  readonly attempt: string
}

/**
 * The organization that an address belongs to by its domain. Nothing is looked up about the address itself.
 *
 * @throws ssoErrors.ssoNotConfigured, tenancyErrors
 */
export async function routeByEmail({ core, tenancy }: SignInOptions, email: string): Promise<TenantDb> {
  const address = canonicalEmail(email)
  const owner = address && (await findOwnerOfDomain(core, address.slice(address.lastIndexOf('@') + 1)))
  if (!owner) throw ssoErrors.ssoNotConfigured()
  return await tenancy.enter(owner)
}

/**
 * Begins a sign-in at an organization's provider, or the linking of an identity.
 *
 * @param userId who links; null for a sign-in
 * @throws ssoErrors.ssoNotConfigured, providerUnavailable, providerFailed; httpErrors.validationFailed
 */
export async function begin(
  options: SignInOptions,
  tenant: TenantDb,
  { email, returnUrl, isAnew }: Beginning,
  userId: Id | null,
): Promise<Begun> {
  const { box, providers, key, config } = options
  const connection = await findConnection(tenant)
  if (!connection?.isEnabled) throw ssoErrors.ssoNotConfigured()
  const page = pageOf(config.returnUrls, returnUrl)
  const state = states.make(tenant.tenantId)
  const attempt = attempts.make(tenant.tenantId)
  const { nonce, verifier } = secretsOf(key, state)
  const parameters = {
    redirect_uri: redirectUriOf(config, tenant.tenantId),
    scope: connection.scopes.join(' '),
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(email !== undefined && { login_hint: email }),
    // With `max_age` a provider has to say when it asked.
    ...(isAnew && { prompt: 'login', max_age: '0' }),
  }
  const authorizationUrl = await providers
    .of(tenant.tenantId, connection, openSecret(box, tenant.tenantId, connection))
    .then((provider) => buildAuthorizationUrl(provider, parameters).href)
    .catch((error: unknown) => {
      throw providerFailure(error)
    })
  await insertAttempt(tenant, {
    stateHash: states.read(state)?.hash ?? '',
    attemptHash: attempts.read(attempt)?.hash ?? '',
    connectionRevision: connection.revision,
    userId,
    returnUrl: page,
  })
  return { authorizationUrl, attempt }
}

/** One of the pages that the operator allows, to the letter: a code goes nowhere else. */
function pageOf(allowed: readonly string[], wanted: string | undefined): string | null {
  if (wanted === undefined) return allowed[0] ?? null
  if (allowed.includes(wanted)) return wanted
  throw httpErrors.validationFailed({ errors: [{ pointer: '/return_url', code: 'not-allowed' }] })
}
