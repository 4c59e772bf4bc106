import type { PasswordHasher, Sessions } from '../auth/index.ts'
import type { Publisher } from '../events/index.ts'
import type { Mailer } from '../mail/index.ts'
import type { MembershipMirror } from '../organizations/index.ts'
import type { MemberEvents } from './events.ts'
import { type Acceptance, createAcceptance } from './invitations/acceptance.ts'
import { createInvitationService, type InvitationService } from './invitations/service.ts'
import { createMemberService, type MemberService } from './service.ts'

/** Everything about the members of organizations. */
export interface People {
  readonly members: MemberService
  readonly invitations: InvitationService
  readonly acceptance: Acceptance
}

export interface PeopleOptions {
  readonly memberships: MembershipMirror
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
  readonly mailer: Mailer
  readonly events: Publisher<MemberEvents>
}

/** Wires the services of members. */
export function createPeople(options: PeopleOptions): People {
  return {
    members: createMemberService(options),
    invitations: createInvitationService(options),
    acceptance: createAcceptance(options),
  }
}
