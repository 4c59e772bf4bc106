import type { Id } from '../../platform/index.ts'
import type { Tenancy, TenantDb } from '../../tenancy/index.ts'
import { ssoErrors } from '../errors.ts'

/**
 * Enters the organization that a token names. One that there is not has no such attempt either.
 *
 * @throws ssoErrors.ssoAttemptInvalid, tenancyErrors
 */
export async function enterBy(
  tenancy: Pick<Tenancy, 'enter' | 'find'>,
  token: { readonly tenantId: Id; readonly hash: string } | undefined,
): Promise<{ readonly tenant: TenantDb; readonly hash: string }> {
  if (!token || !(await tenancy.find(token.tenantId))) throw ssoErrors.ssoAttemptInvalid()
  return { tenant: await tenancy.enter(token.tenantId), hash: token.hash }
}
