import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { type Impersonator, isPermittedUnderImpersonation } from '../../users/index.ts'
import { authErrors } from '../errors.ts'
import { impersonatorErrors } from './errors.ts'
import { goesOn } from './store.ts'

/**
 * Refuses a token that does not say of its session what the session says, and who must not act any more. The tenant's
 * statement cannot see that, so the core database is asked, with every such request: they are few, and when it is away
 * nobody acts as somebody else.
 *
 * @param claimed who acts, as the token says
 * @throws authErrors.invalidToken
 */
export async function requireActor(
  core: CoreDb,
  sessionId: Id,
  claimed: Id | undefined,
  impersonator: Impersonator | null,
): Promise<void> {
  if (claimed !== impersonator?.id) throw authErrors.invalidToken()
  if (impersonator && !(await goesOn(core, sessionId, impersonator.id))) throw authErrors.invalidToken()
}

/** What somebody wants to do as another one. */
export interface ActedRequest {
  readonly method: string
  readonly permission: string
  /** Whether everybody may do it to oneself, and that is what it is. */
  readonly isOwn: boolean
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Refuses what nobody may do as another one, and of who came to look all changes. @throws impersonatorErrors */
export function requireActable(
  { isReadOnly }: Impersonator,
  { method, permission, isOwn }: ActedRequest,
): void {
  const isReading = READING.has(method)
  if (!isPermittedUnderImpersonation(permission) || (isOwn && !isReading))
    throw impersonatorErrors.notUnderImpersonation()
  if (isReadOnly && !isReading) throw impersonatorErrors.impersonationReadOnly()
}
