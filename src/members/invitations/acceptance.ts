import { recordAudit } from '../../audit/index.ts'
import {
  type CorePrincipal,
  guessesFor,
  hashOneTimeToken,
  looksLikeOneTimeToken,
  type Origin,
  openExchanged,
  type PasswordHasher,
  requireGoodPassword,
  type Sessions,
  type SignedIn,
} from '../../auth/index.ts'
import type { Publisher } from '../../events/index.ts'
import { admitNewMember, type MembershipMirror } from '../../organizations/index.ts'
import { type Id, newId } from '../../platform/index.ts'
import type { CoreDb, TenantDb, TenantTx } from '../../tenancy/index.ts'
import { by, memberAudit } from '../audit.ts'
import type { MemberEvents } from '../events.ts'
import { invitationErrors } from './errors.ts'
import { consumeInvitation, findByToken, type Invitation, insertInvited } from './store.ts'

/**
 * Accepts invitations: what somebody becomes stands in the row that the token finds, and nowhere in the request. Both
 * throw invitationErrors.invitationInvalid, policyErrors, and userErrors.emailTaken, which leaves the invitation good.
 */
export interface Acceptance {
  /** As somebody new. @throws also httpErrors.validationFailed, overloaded */
  asNewUser(
    tenant: TenantDb,
    acceptance: { token: string; password: string; fullName: string | null },
    origin: Origin,
  ): Promise<SignedIn>
  /** As a platform user. @throws also invitationErrors.invitationForAnother */
  asCoreUser(tenant: TenantDb, principal: CorePrincipal, token: string, origin: Origin): Promise<SignedIn>
}

export interface AcceptanceOptions {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
  readonly memberships: MembershipMirror
  readonly events: Publisher<MemberEvents>
}

export function createAcceptance(options: AcceptanceOptions): Acceptance {
  const { core, sessions, passwords, memberships, events } = options

  /** Nobody but the first who comes gets past `consume`. */
  const consume = async (tx: TenantTx, hash: string): Promise<Invitation> => {
    const invitation = await consumeInvitation(tx, hash)
    if (!invitation) throw invitationErrors.invitationInvalid()
    await admitNewMember(tx, 'invitation', invitation.email)
    return invitation
  }

  const finish = async (tenant: TenantDb, { user, session, invitation }: Joined): Promise<SignedIn> => {
    const payload = { invitationId: invitation.id, userId: user.id, role: user.role }
    events.publish('invitation.accepted', payload, tenant.tenantId)
    const tokens = await sessions.issue({ scope: 'tenant', db: tenant }, session)
    return { scope: 'tenant', user, tenant, tokens }
  }

  return {
    asNewUser: async (tenant, { token, password, fullName }, origin) => {
      const hash = readToken(token)
      // Before the work of hashing a password; what counts is looked at once more.
      const { email } = await requireGood(tenant, hash)
      requireGoodPassword(password, '/password', await guessesFor(core, tenant.tenantId, { email, fullName }))
      const passwordHash = await passwords.hash(password)
      const joined = await tenant.transaction(async (tx) => {
        const invitation = await consume(tx, hash)
        const { role } = invitation
        const member = {
          id: newId(),
          email: invitation.email,
          fullName,
          role,
          coreUserId: null,
          passwordHash,
        }
        const user = await insertInvited(tx, member)
        await recordAccepted(tx, invitation, user.id)
        return { user, session: await sessions.open(tx, user.id, origin), invitation }
      })
      return await finish(tenant, joined)
    },
    asCoreUser: async (tenant, { user: coreUser, sessionId }, token, origin) => {
      const hash = readToken(token)
      // Before a change is announced: strangers announce nothing.
      const { email: invited } = await requireGood(tenant, hash)
      if (invited !== coreUser.email) throw invitationErrors.invitationForAnother()
      const joined = await memberships.change(tenant, [coreUser.id], () =>
        tenant.transaction(async (tx) => {
          const invitation = await consume(tx, hash)
          const { email, role } = invitation
          if (email !== coreUser.email) throw invitationErrors.invitationForAnother()
          const { id: coreUserId, fullName } = coreUser
          const member = { id: newId(), email, fullName, role, coreUserId, passwordHash: null }
          const user = await insertInvited(tx, member)
          await recordAccepted(tx, invitation, user.id)
          return {
            user,
            session: await openExchanged(tx, { core, sessions }, user.id, sessionId, origin),
            invitation,
          }
        }),
      )
      return await finish(tenant, joined)
    },
  }
}

async function recordAccepted(tx: TenantTx, { id, role }: Invitation, userId: Id): Promise<void> {
  const aim = { target: { kind: 'invitation', id }, details: { role } }
  await recordAudit(tx, memberAudit('invitation.accepted', { ...by(userId), ...aim }))
}

interface Joined {
  readonly user: Awaited<ReturnType<typeof insertInvited>>
  readonly session: Awaited<ReturnType<Sessions['open']>>
  readonly invitation: Invitation
}

function readToken(token: string): string {
  if (!looksLikeOneTimeToken(token)) throw invitationErrors.invitationInvalid()
  return hashOneTimeToken(token)
}

async function requireGood(tenant: TenantDb, hash: string): Promise<Invitation> {
  const invitation = await findByToken(tenant, hash)
  if (!invitation) throw invitationErrors.invitationInvalid()
  return invitation
}
