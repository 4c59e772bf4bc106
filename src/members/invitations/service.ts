import { recordAudit } from '../../audit/index.ts'
import { authErrors, hashOneTimeToken, newOneTimeToken, requireStillPermitted } from '../../auth/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Mailer } from '../../mail/index.ts'
import { checkEntry, findPolicy, lockMembers } from '../../organizations/index.ts'
import { type Id, newId } from '../../platform/index.ts'
import type { TenantDb, TenantTx } from '../../tenancy/index.ts'
import { canonicalEmail, userErrors } from '../../users/index.ts'
import { by, byInviter, memberAudit } from '../audit.ts'
import type { MemberEvents } from '../events.ts'
import type { Actor } from '../service.ts'
import { invitationErrors } from './errors.ts'
import { invitationMessage } from './letter.ts'
import {
  findInvitation,
  type Invitation,
  type InvitedRole,
  insertInvitation,
  isMember,
  renewInvitation,
  revokeInvitation,
} from './store.ts'

export interface InvitationService {
  /**
   * Invites an address, and has the letter sent behind the answer.
   *
   * @param hours that the invitation is good for
   * @throws httpErrors.validationFailed, authErrors.mailOff, permissionDenied, policyErrors, userErrors.emailTaken,
   *   invitationErrors.invitationPending
   */
  create(actor: Actor, wish: { email: string; role: InvitedRole; hours: number }): Promise<Invitation>
  /**
   * Has another letter sent, with a new token. The old one is good until the new one is under way, and its recipient may
   * have had so many that there is none.
   *
   * @throws authErrors.mailOff, permissionDenied, policyErrors, httpErrors.notFound, overloaded, invitationErrors.invitationSettled
   */
  resend(actor: Actor, id: Id, hours: number): Promise<Invitation>
  /** @throws authErrors.permissionDenied, httpErrors.notFound, invitationErrors.invitationSettled */
  revoke(actor: Actor, id: Id): Promise<void>
}

export interface InvitationServiceOptions {
  readonly mailer: Mailer
  readonly events: Publisher<MemberEvents>
}

const KIND = 'invitation'
const PAGE = 'accept-invitation'

export function createInvitationService({ mailer, events }: InvitationServiceOptions): InvitationService {
  const requireMail = () => {
    if (!mailer.isOn) throw authErrors.mailOff()
  }

  /** The token is made when the letter is: nobody but its reader ever has it. */
  const post = (tenant: TenantDb, { id, email }: Invitation, hours: number): boolean =>
    mailer.post(KIND, `${tenant.tenantId} ${email}`, async (mayReach) => {
      if (!(await mayReach(email))) return undefined
      const token = newOneTimeToken()
      if (!(await renewInvitation(tenant, id, hashOneTimeToken(token), hours))) return undefined
      const link = mailer.link(PAGE, { token, tenant: tenant.tenantId })
      return { to: email, ...invitationMessage(link, hours) }
    })

  return {
    create: async (actor, { email, role, hours }) => {
      requireMail()
      const { tenant, user } = actor
      const address = readAddress(email)
      const invitation = await tenant.transaction(async (tx) => {
        await lockInviter(tx, user.id)
        checkEntry(await findPolicy(tx), 'invitation', address)
        if (await isMember(tx, address)) throw userErrors.emailTaken()
        const fresh = { id: newId(), email: address, role, invitedBy: user.id }
        // Of a token that nobody has: the first letter brings another one.
        const tokenHash = hashOneTimeToken(newOneTimeToken())
        const made = await insertInvitation(tx, { ...fresh, tokenHash }, hours)
        const aim = { target: { kind: 'invitation', id: made.id }, details: { role } }
        await recordAudit(tx, memberAudit('invitation.created', { ...by(user.id), ...aim }))
        return made
      })
      events.publish(
        'invitation.created',
        { invitationId: invitation.id, role, by: user.id },
        tenant.tenantId,
      )
      post(tenant, invitation, hours)
      return invitation
    },
    resend: async ({ tenant, user }, id, hours) => {
      requireMail()
      const invitation = await tenant.transaction(async (tx) => {
        await lockInviter(tx, user.id)
        const open = await findOpen(tx, id)
        checkEntry(await findPolicy(tx), 'invitation', open.email)
        if (!post(tenant, open, hours)) throw httpErrors.overloaded()
        await recordAudit(tx, byInviter('invitation.resent', user.id, id))
        return open
      })
      events.publish('invitation.resent', { invitationId: id, by: user.id }, tenant.tenantId)
      return invitation
    },
    revoke: async ({ tenant, user }, id) => {
      await tenant.transaction(async (tx) => {
        await lockInviter(tx, user.id)
        await findOpen(tx, id)
        if (!(await revokeInvitation(tx, id))) throw invitationErrors.invitationSettled()
        await recordAudit(tx, byInviter('invitation.revoked', user.id, id))
      })
      events.publish('invitation.revoked', { invitationId: id, by: user.id }, tenant.tenantId)
    },
  }
}

async function findOpen(tenant: TenantTx, id: Id): Promise<Invitation> {
  const invitation = await findInvitation(tenant, id)
  if (!invitation) throw httpErrors.notFound({ detail: 'This organization has no such invitation.' })
  if (invitation.status === 'accepted' || invitation.status === 'revoked')
    throw invitationErrors.invitationSettled()
  return invitation
}

/** Behind the lock of members nobody loses the right to invite meanwhile. Throws authErrors.permissionDenied. */
async function lockInviter(tx: TenantTx, id: Id): Promise<void> {
  await lockMembers(tx)
  await requireStillPermitted(tx, id, 'invitations.manage')
}

function readAddress(text: string): string {
  const address = canonicalEmail(text)
  if (address === undefined)
    throw httpErrors.validationFailed({ errors: [{ pointer: '/email', code: 'invalid-format' }] })
  return address
}
