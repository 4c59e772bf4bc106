import { recordAuditLast } from '../../audit/index.ts'
import { type Origin, openForProvider, type SignedIn, type TenantPrincipal } from '../../auth/index.ts'
import { AppError } from '../../platform/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { userErrors } from '../../users/index.ts'
import { by, ssoAudit } from '../audit.ts'
import { type Connection, holdConnection } from '../connection/store.ts'
import { ssoErrors } from '../errors.ts'
import { findMemberOf, insertIdentity } from '../identities/store.ts'
import type { Claims } from '../provider/claims.ts'
import { enterBy } from './entry.ts'
import { noteFailure } from './failures.ts'
import { arrive } from './joining.ts'
import type { SignInOptions } from './options.ts'
import { finishAttempt } from './store.ts'
import { attempts, codes } from './tokens.ts'

/** What the client has, and what the browser brought it. */
export interface Ending {
  readonly attempt: string
  readonly code: string
}

/**
 * Ends a sign-in with a session. What fails leaves the attempt as it was.
 *
 * @throws ssoErrors, policyErrors, tenancyErrors
 */
export async function finish(options: SignInOptions, ending: Ending, origin: Origin): Promise<SignedIn> {
  const { tenancy, sessions, events } = options
  const { tenant, hash } = await enterBy(tenancy, attempts.read(ending.attempt))
  const opened = await openSession(options, tenant, hash, ending, origin).catch((error: unknown) => {
    if (error instanceof AppError && error.code !== ATTEMPT_INVALID) noteFailure(options, tenant, error)
    throw error
  })
  const { user, session, hasJoined } = opened
  const { tenantId } = tenant
  if (hasJoined) events.publish('tenant_user.registered', { userId: user.id, email: user.email }, tenantId)
  events.publish('user.logged_in', { userId: user.id, scope: 'tenant' }, tenantId)
  const tokens = await sessions.issue({ scope: 'tenant', db: tenant }, session)
  return { scope: 'tenant', user, tenant, tokens }
}

/** What is heard by whoever comes a moment behind somebody, maybe themselves, with the same address or identity. */
const OVERTAKEN: ReadonlySet<string> = new Set(
  [userErrors.emailTaken, ssoErrors.ssoAccountExists, ssoErrors.ssoIdentityTaken].map(
    ({ definition }) => definition.code,
  ),
)

/** Whoever guesses is no failure of anybody. */
const ATTEMPT_INVALID = ssoErrors.ssoAttemptInvalid.definition.code

async function openSession(
  options: SignInOptions,
  tenant: TenantDb,
  hash: string,
  ending: Ending,
  origin: Origin,
) {
  const { core } = options
  const tryOnce = () =>
    tenant.transaction(async (tx) => {
      const finished = await finishAttempt(tx, { attempt: hash, code: codeHash(ending) }, null)
      const connection = finished && (await holdConnection(tx, finished.connectionRevision))
      if (!finished || !connection) throw ssoErrors.ssoAttemptInvalid()
      const { claims } = finished
      const { user, hasJoined } = await arrive(tx, { core, tenant }, connection, claims)
      const session = await openForProvider(tx, options, user, proofOf(claims, connection), origin)
      if (!session) throw ssoErrors.ssoAccountInactive()
      return { user, session, hasJoined }
    })
  try {
    return await tryOnce()
  } catch (error) {
    // The same person in two windows: by now the other one has come. Everything was undone, so it can be done again.
    if (!(error instanceof AppError) || !OVERTAKEN.has(error.code)) throw error
    return await tryOnce()
  }
}

/**
 * Ends the linking of an identity: it belongs to the member who began, from now on.
 *
 * @throws ssoErrors.ssoAttemptInvalid, ssoIdentityTaken
 */
export async function finishLink({ tenant, user }: TenantPrincipal, ending: Ending): Promise<void> {
  const read = attempts.read(ending.attempt)
  if (read?.tenantId !== tenant.tenantId) throw ssoErrors.ssoAttemptInvalid()
  await tenant.transaction(async (tx) => {
    const finished = await finishAttempt(tx, { attempt: read.hash, code: codeHash(ending) }, user.id)
    if (!finished || !(await holdConnection(tx, finished.connectionRevision)))
      throw ssoErrors.ssoAttemptInvalid()
    const { claims } = finished
    const isNew = await insertIdentity(tx, claims, user.id)
    if (!isNew && (await findMemberOf(tx, claims))?.id !== user.id) throw ssoErrors.ssoIdentityTaken()
    const what = { target: { kind: 'user', id: user.id }, details: { at: 'link' } }
    await recordAuditLast(tx, ssoAudit('sso.identity_linked', { ...by(user.id), ...what }))
  })
}

function codeHash({ code }: Ending): string {
  if (!codes.looksLike(code)) throw ssoErrors.ssoAttemptInvalid()
  return codes.hash(code)
}

function proofOf({ authTime, hasMfa }: Claims, { isMfaTrusted }: Connection) {
  const at = authTime === null ? undefined : new Date(authTime * 1_000)
  return { at, hasSecondFactor: hasMfa && isMfaTrusted }
}
