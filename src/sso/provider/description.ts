import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client'
import type { Fetch } from '../outgoing/fetch.ts'

/** Signatures that are believed: each by a key that the provider alone has. Neither `none` nor a shared secret. */
export const SIGNATURES: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

const WEB = /^https?:\/\//i

/** Why a provider cannot be used, whatever it answers later. */
export type Unfitness = 'issuer-mismatch' | 'no-code-flow' | 'no-pkce' | 'no-signing-algorithm' | 'no-keys'

/** A provider describes itself as one that this program does not work with. */
export class UnfitProviderError extends Error {
  override readonly name = 'UnfitProviderError'
  readonly reason: Unfitness

  constructor(reason: Unfitness) {
    super(`identity provider: ${reason}`)
    this.reason = reason
  }
}

/**
 * Asks a provider to describe itself (OpenID Connect Discovery 1.0), and sees to it that it can be used.
 *
 * @returns its description with the signatures that are believed, and no others
 * @throws UnfitProviderError, OutgoingError, or what the library throws
 */
export async function describeProvider(
  issuer: string,
  fetch: Fetch,
  allowsPlain: boolean,
): Promise<ServerMetadata> {
  const found = await discovery(new URL(issuer), 'none yet', undefined, undefined, {
    [customFetch]: fetch,
    ...(allowsPlain && { execute: [allowInsecureRequests] }),
  })
  const server = found.serverMetadata()
  // The library has exceptions for a provider of many organizations. An identity of another one must not pass for ours.
  if (server.issuer !== issuer) throw new UnfitProviderError('issuer-mismatch')
  const { authorization_endpoint: page, token_endpoint: tokens } = server
  // A client sends its browser there, on a page of its own: `javascript:` would be a script of that page.
  if (!page || !WEB.test(page) || !tokens) throw new UnfitProviderError('no-code-flow')
  if (server.response_types_supported?.includes('code') === false)
    throw new UnfitProviderError('no-code-flow')
  // Some that know it do not say so; one that lists others does not know it.
  if (server.code_challenge_methods_supported?.includes('S256') === false)
    throw new UnfitProviderError('no-pkce')
  if (!server.jwks_uri) throw new UnfitProviderError('no-keys')
  const offered = server.id_token_signing_alg_values_supported ?? ['RS256']
  const believed = offered.filter((name) => SIGNATURES.includes(name))
  if (believed.length === 0) throw new UnfitProviderError('no-signing-algorithm')
  return { ...withoutMethods(server), id_token_signing_alg_values_supported: believed }
}

/** The library's object carries a function, which cannot be cloned into the next one. */
function withoutMethods(server: ServerMetadata): ServerMetadata {
  return JSON.parse(JSON.stringify(server))
}
