import { authorizationCodeGrant, type Configuration, fetchUserInfo, type IDToken } from 'openid-client'
import { AppError, type Id } from '../../platform/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { openSecret } from '../connection/secret.ts'
import { type Connection, findConnection } from '../connection/store.ts'
import { ssoErrors } from '../errors.ts'
import { type Claims, readClaims } from '../provider/claims.ts'
import { providerFailure, reasonOf } from '../provider/failures.ts'
import { redirectUriOf } from '../redirect-uri.ts'
import { enterBy } from './entry.ts'
import { noteFailure } from './failures.ts'
import type { SignInOptions } from './options.ts'
import { keepClaims, takeAnswer } from './store.ts'
import { codes, secretsOf, states } from './tokens.ts'

/** What came of the provider's answer: a code for the client or an error, and where the browser takes it. */
export type Callback = { readonly returnUrl: string | null } & (
  | { readonly code: string }
  | { readonly error: AppError }
)

/**
 * Takes the provider's answer, which a browser brings: anybody's. It is worth something to the client that began alone.
 *
 * @param tenantId whose address the browser came to: an answer that came to another organization's is of its provider
 * @param query as the browser sent it, without the question mark
 * @throws ssoErrors.ssoAttemptInvalid where it is not known where to send anybody; tenancyErrors
 */
export async function answer(options: SignInOptions, tenantId: Id, query: string): Promise<Callback> {
  const state = new URLSearchParams(query).get('state') ?? ''
  const named = states.read(state)
  if (named?.tenantId !== tenantId) throw ssoErrors.ssoAttemptInvalid()
  const { tenant, hash } = await enterBy(options.tenancy, named)
  const attempt = await takeAnswer(tenant, hash)
  if (!attempt) throw ssoErrors.ssoAttemptInvalid()
  const { returnUrl } = attempt
  const connection = await findConnection(tenant)
  try {
    // Whoever changed the connection meanwhile may have changed it to another provider.
    if (!connection?.isEnabled || connection.revision !== attempt.connectionRevision)
      throw ssoErrors.ssoAttemptInvalid()
    const claims = await redeem(options, tenant, connection, { query, state })
    const code = codes.make()
    await keepClaims(tenant, hash, codes.hash(code), claims)
    return { returnUrl, code }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    noteFailure(options, tenant, error)
    return { returnUrl, error }
  }
}

/** Exchanges the provider's code for what it says of somebody, and checks every word of that. */
async function redeem(
  { box, providers, key, config, log }: SignInOptions,
  tenant: TenantDb,
  connection: Connection,
  { query, state }: { readonly query: string; readonly state: string },
): Promise<Claims> {
  const { nonce: expectedNonce, verifier: pkceCodeVerifier } = secretsOf(key, state)
  try {
    const secret = openSecret(box, tenant.tenantId, connection)
    const provider = await providers.of(tenant.tenantId, connection, secret)
    // From the configuration, never from the request: a provider compares it, and a Host header is anybody's.
    const url = new URL(`${redirectUriOf(config, tenant.tenantId)}?${query}`)
    const checks = { expectedState: state, expectedNonce, pkceCodeVerifier, idTokenExpected: true }
    const tokens = await authorizationCodeGrant(provider, url, checks)
    const token = tokens.claims()
    if (!token) throw ssoErrors.ssoAnswerInvalid()
    requireParty(token, connection)
    return readClaims(token, await moreOf(provider, token, tokens.access_token))
  } catch (error) {
    log.warn({ tenant_id: tenant.tenantId, reason: reasonOf(error) }, 'an identity provider was not believed')
    throw providerFailure(error)
  }
}

/** The library asks for `azp` where a token is for several; here it must be right wherever it is. */
function requireParty({ azp, iss }: IDToken, { clientId, issuer }: Connection): void {
  if ((azp !== undefined && azp !== clientId) || iss !== issuer) throw ssoErrors.ssoAnswerInvalid()
}

/** Many providers tell the address only here. The library sees to it that the subject is the same. */
async function moreOf(provider: Configuration, token: IDToken, accessToken: string) {
  const isNeeded = token['email'] === undefined && provider.serverMetadata().userinfo_endpoint !== undefined
  return isNeeded ? await fetchUserInfo(provider, accessToken, token.sub) : undefined
}
