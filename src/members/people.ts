import type { PasswordHasher, Sessions } from '../auth/index.ts'
import type { Publisher } from '../events/index.ts'
import type { Mailer } from '../mail/index.ts'
import { createMembershipMirror, type MembershipMirror, type MirrorOptions } from '../organizations/index.ts'
import type { MemberEvents } from './events.ts'
import { type Acceptance, createAcceptance } from './invitations/acceptance.ts'
import { createInvitationService, type InvitationService } from './invitations/service.ts'
import { createProvisioning, type Provisioning } from './provisioning.ts'
import { createMemberService, type MemberService } from './service.ts'

/** Everything about the members of organizations. */
export interface People {
  readonly memberships: MembershipMirror
  readonly members: MemberService
  readonly invitations: InvitationService
  readonly acceptance: Acceptance
  readonly provisioning: Provisioning
}

export interface PeopleOptions extends MirrorOptions {
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
  readonly mailer: Mailer
  readonly events: Publisher<MemberEvents>
}

/** Wires the services of members. */
export function createPeople(given: PeopleOptions): People {
  const memberships = createMembershipMirror(given)
  const options = { ...given, memberships }
  return {
    memberships,
    members: createMemberService(options),
    invitations: createInvitationService(options),
    acceptance: createAcceptance(options),
    provisioning: createProvisioning(options),
  }
}
