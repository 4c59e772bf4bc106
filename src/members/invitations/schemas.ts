import { type Static, Type } from 'typebox'
import { NewPassword } from '../../auth/index.ts'
import { Exactly, Id, Nullable, PageQuery, pageOf, Timestamp } from '../../http/index.ts'
import { FullName } from '../../users/index.ts'
import { INVITATION_STATUSES, type Invitation } from './store.ts'
import { INVITED_ROLES } from './tables.ts'

/** Hours that an invitation is good for unless its sender says otherwise; and at most. */
export const DEFAULT_HOURS = 48
const MAX_HOURS = 7 * 24

const Role = Type.Enum([...INVITED_ROLES])
const Status = Type.Enum([...INVITATION_STATUSES])
const Hours = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: MAX_HOURS,
    description: `Hours that it is good for; ${DEFAULT_HOURS} by default.`,
  }),
)
const Token = Type.String({ minLength: 1, maxLength: 4096, description: 'From the link in the mail.' })

export const InvitationBody = Exactly(
  {
    id: Id,
    email: Type.String(),
    role: Role,
    status: Status,
    invited_by: Nullable(Id),
    expires_at: Timestamp,
    created_at: Timestamp,
  },
  { $id: 'Invitation' },
)

export const InvitationPage = pageOf(InvitationBody, 'InvitationPage')
export const InvitationQuery = Exactly({ ...PageQuery, status: Type.Optional(Status) })
export const InvitationParams = Exactly({ id: Id })

export const NewInvitation = Exactly({
  email: Type.String({ minLength: 3, maxLength: 254, description: 'An e-mail address.' }),
  role: Role,
  expires_in_hours: Hours,
})

export const Resend = Exactly({ expires_in_hours: Hours })

export const AcceptAsNew = Exactly({
  token: Token,
  password: NewPassword,
  full_name: Type.Optional(Nullable(FullName)),
})

export const AcceptAsMe = Exactly({ token: Token })

/** An invitation as the API writes one. */
export function presentInvitation(invitation: Invitation): Static<typeof InvitationBody> {
  return {
    id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    status: invitation.status,
    invited_by: invitation.invitedBy,
    expires_at: invitation.expiresAt.toISOString(),
    created_at: invitation.createdAt.toISOString(),
  }
}
