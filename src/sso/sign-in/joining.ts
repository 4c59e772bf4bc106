import { recordAudit } from '../../audit/index.ts'
import { admitNewMember } from '../../organizations/index.ts'
import { newId } from '../../platform/index.ts'
import type { CoreDb, TenantDb, TenantTx } from '../../tenancy/index.ts'
import type { TenantUser } from '../../users/index.ts'
import { by, ssoAudit } from '../audit.ts'
import type { Connection } from '../connection/store.ts'
import { findOwnerOfDomain } from '../domains/store.ts'
import { ssoErrors } from '../errors.ts'
import { findMemberOf, holdProvisioned, insertIdentity, isMemberAddress } from '../identities/store.ts'
import type { Claims } from '../provider/claims.ts'
import { insertJoining } from './store.ts'

/** Somebody whom a provider vouched for, as a member. */
export interface Arrived {
  readonly user: TenantUser
  readonly hasJoined: boolean
}

/**
 * The member whom the provider means. Who comes for the first time joins, with an address that the provider confirmed and that
 * is of a domain of this organization; or takes the place that the organization made for that address. An account that
 * somebody has a way into already is theirs alone to link: its address may have been somebody else's before.
 *
 * @throws ssoErrors, policyErrors, userErrors.emailTaken
 */
export async function arrive(
  tx: TenantTx,
  { core, tenant }: { readonly core: CoreDb; readonly tenant: TenantDb },
  connection: Connection,
  claims: Claims,
): Promise<Arrived> {
  const known = await findMemberOf(tx, claims)
  if (known) return { user: known, hasJoined: false }
  const { email, fullName } = claims
  if (email === null || !claims.isEmailVerified) throw ssoErrors.ssoEmailUnverified()
  const owner = await findOwnerOfDomain(core, email.slice(email.lastIndexOf('@') + 1))
  if (owner !== tenant.tenantId) throw ssoErrors.ssoDomainUnverified()
  const provisioned = await holdProvisioned(tx, email)
  if (provisioned) {
    await link(tx, claims, provisioned)
    return { user: provisioned, hasJoined: false }
  }
  if (await isMemberAddress(tx, email)) throw ssoErrors.ssoAccountExists()
  await admitNewMember(tx, 'sso', email)
  const role = connection.defaultRole
  const user = await insertJoining(tx, { id: newId(), email, fullName, role })
  await link(tx, claims, user)
  const target = { kind: 'user', id: user.id }
  await recordAudit(tx, ssoAudit('sso.member_joined', { ...by(user.id), target, details: { role } }))
  return { user, hasJoined: true }
}

async function link(tx: TenantTx, claims: Claims, { id }: TenantUser): Promise<void> {
  if (!(await insertIdentity(tx, claims, id))) throw ssoErrors.ssoIdentityTaken()
  const what = { target: { kind: 'user', id }, details: { at: 'sign-in' } }
  await recordAudit(tx, ssoAudit('sso.identity_linked', { ...by(id), ...what }))
}
