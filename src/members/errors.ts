import { defineErrors } from '../platform/index.ts'

export const memberErrors = defineErrors({
  lastOwner: {
    code: 'last-owner',
    status: 409,
    title: 'Last owner',
    detail:
      'An organization has an owner at any time. Make somebody else one first, or transfer the ownership.',
  },
  memberNotLinked: {
    code: 'member-not-linked',
    status: 409,
    title: 'Member without a platform account',
    detail: 'Owners belong to a platform user, and this member does not. Invite the platform user instead.',
  },
  memberInactive: {
    code: 'member-inactive',
    status: 409,
    title: 'Member deactivated',
    detail: 'This member is deactivated, and cannot own the organization. Reactivate it first.',
  },
})
