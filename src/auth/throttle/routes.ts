import type { FastifyReply, FastifyRequest } from 'fastify'
import { allowanceHeaders, networkOf, RATE, type RatePolicy } from '../../http/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import type { NetworkRequest, Throttle } from './throttle.ts'

/** What runs before a handler, once it is known that the request is a valid one. */
export type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * Makes what a route takes as `preHandler` where the limit for each network must hold over all processes. The limit of one
 * process, which the route names in its `config`, stands in front and keeps floods away from the database.
 */
export function createNetworkLimit(throttle: Pick<Throttle, 'spend'>): (policy: RatePolicy) => Limit {
  return (policy) => async (request, reply) => await throttle.spend(requestOf(policy, request, reply))
}

/** Runs a sign-in unless too many failed for the same address, known or not, or came from the same network. */
export async function guardSignIn<T>(
  throttle: Throttle,
  request: FastifyRequest<{ Body: { readonly email: string } }>,
  reply: FastifyReply,
  tenant: TenantDb | undefined,
  signIn: () => Promise<T>,
): Promise<T> {
  const { email } = request.body
  const subject = {
    purpose: 'sign-in',
    tenantId: tenant?.tenantId,
    who: canonicalEmail(email) ?? email,
  } as const
  return await throttle.guard(subject, signIn, requestOf(RATE.login, request, reply))
}

function requestOf(policy: RatePolicy, request: FastifyRequest, reply: FastifyReply): NetworkRequest {
  return {
    policy,
    network: networkOf(request.ip ?? ''),
    tell: (left) => void reply.headers(allowanceHeaders(left)),
  }
}
