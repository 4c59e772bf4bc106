import { auditLog } from '../audit/index.ts'
import {
  apiKeys,
  exchangedSessions,
  impersonations,
  oneTimeTokens,
  passkeyChallenges,
  passkeys,
  proofTries,
  recoveryCodes,
  refreshTokens,
  secondFactorChallenges,
  secondFactors,
  sessions,
  signingKeys,
  throttles,
} from '../auth/index.ts'
import { fleetRuns, fleetRunTenants } from '../fleet/index.ts'
import { mailRecipients } from '../mail/index.ts'
import { invitations } from '../members/index.ts'
import {
  membershipChanges,
  memberships,
  organizationPolicy,
  organizationRequests,
  organizations,
  secondFactorPolicy,
} from '../organizations/index.ts'
import { scimGroupMembers, scimGroups, scimUsers } from '../scim/index.ts'
import { organizationDomains, ssoAttempts, ssoConnections, ssoIdentities } from '../sso/index.ts'
import { installation, servers, tenantIdentity, tenants } from '../tenancy/index.ts'
import { coreUsers, tenantUsers } from '../users/index.ts'

const SECOND_FACTOR = {
  secondFactors,
  passkeys,
  passkeyChallenges,
  recoveryCodes,
  secondFactorChallenges,
  proofTries,
}

/** The tables of each kind of database: what `migrate generate` compares. Add your own here. */
export const MODELS = {
  core: {
    installation,
    servers,
    tenants,
    coreUsers,
    organizations,
    organizationRequests,
    memberships,
    membershipChanges,
    sessions,
    refreshTokens,
    impersonations,
    ...SECOND_FACTOR,
    signingKeys,
    fleetRuns,
    fleetRunTenants,
    mailRecipients,
    oneTimeTokens,
    auditLog,
    throttles,
    organizationDomains,
  },
  tenant: {
    tenantIdentity,
    tenantUsers,
    organizationPolicy,
    invitations,
    sessions,
    refreshTokens,
    impersonations,
    exchangedSessions,
    oneTimeTokens,
    ...SECOND_FACTOR,
    apiKeys,
    secondFactorPolicy,
    scimUsers,
    scimGroups,
    scimGroupMembers,
    ssoConnections,
    ssoIdentities,
    ssoAttempts,
    auditLog,
  },
} as const
