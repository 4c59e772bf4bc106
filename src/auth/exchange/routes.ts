import { Exactly, type Guard, type HttpServer, httpErrors, Id, responses } from '../../http/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import { tenancyErrors } from '../../tenancy/index.ts'
import type { CorePrincipal } from '../guards.ts'
import { AuthResponse, presentSignedIn } from '../schemas.ts'
import { originOf } from '../sessions/origin.ts'
import type { TokenExchange } from './service.ts'

export interface ExchangeRoutesOptions {
  readonly exchange: TokenExchange
  readonly coreGuard: Guard<CorePrincipal>
}

/** From the platform into an organization, without a password. */
export function exchangeRoutes(server: HttpServer, { exchange, coreGuard }: ExchangeRoutesOptions): void {
  server.post(
    '/api/v1/organizations/:id/token',
    {
      onRequest: coreGuard.onRequest,
      schema: {
        operationId: 'exchangeToken',
        summary: 'Exchange my core token for tokens of an organization that I am a member of',
        tags: ['auth'],
        params: Exactly({ id: Id }),
        response: responses({ 200: AuthResponse }, [
          httpErrors.notFound,
          policyErrors.ssoRequired,
          ...Object.values(tenancyErrors),
        ]),
      },
    },
    async (request) => {
      const { id } = request.params
      return presentSignedIn(await exchange.exchange(coreGuard.admitted(request), id, originOf(request)))
    },
  )
}
