import { LRUCache } from 'lru-cache'
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  None,
  type ServerMetadata,
} from 'openid-client'
import { type Id, SingleFlight } from '../../platform/index.ts'
import type { Connection } from '../connection/store.ts'
import type { Fetch } from '../outgoing/fetch.ts'
import { describeProvider } from './description.ts'

/** The identity providers of organizations, as the library wants them. */
export interface Providers {
  /**
   * A provider, ready to be used.
   *
   * @throws what `providerFailure` translates
   */
  of(tenantId: Id, connection: Connection, secret: string | undefined): Promise<Configuration>
}

/** Keys are kept for five minutes by the library, as part of this. */
const KEPT_MS = 10 * 60_000
/** Who asks again so soon hears the same, so that one that hangs is not asked by everybody. */
const FAILURE_KEPT_MS = 3_000
const MAX_KEPT = 500

type Outcome = { readonly provider: Configuration } | { readonly error: unknown }

/** Keeps what providers say of themselves: apart for each organization, so that none decides for another. */
export function createProviders(fetch: Fetch, allowsPlain: boolean): Providers {
  const known = new LRUCache<Id, Outcome>({ max: MAX_KEPT, ttl: KEPT_MS })
  const flights = new SingleFlight<Id, Outcome>()

  const open = async (connection: Connection, secret: string | undefined): Promise<Configuration> => {
    const server = await describeProvider(connection.issuer, fetch, allowsPlain)
    const provider = new Configuration(server, connection.clientId, {}, authenticationOf(server, secret))
    provider[customFetch] = fetch
    // Without it the library believes an ID token because TLS brought it.
    enableNonRepudiationChecks(provider)
    if (allowsPlain) allowInsecureRequests(provider)
    return provider
  }

  return {
    of: async (tenantId, connection, secret) => {
      const key = `${tenantId} ${connection.revision}`
      const outcome =
        known.get(key) ??
        (await flights.run(key, async () => {
          const opened = await open(connection, secret).then(
            (provider): Outcome => ({ provider }),
            (error: unknown): Outcome => ({ error }),
          )
          known.set(key, opened, 'error' in opened ? { ttl: FAILURE_KEPT_MS } : {})
          return opened
        }))
      if ('error' in outcome) throw outcome.error
      return outcome.provider
    },
  }
}

/** Basic is what holds where a provider does not say (Discovery 1.0 section 3). */
function authenticationOf(server: ServerMetadata, secret: string | undefined): ClientAuth {
  if (secret === undefined) return None()
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret)
}
