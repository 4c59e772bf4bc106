import { createHash } from 'node:crypto'
import type { Id } from '../platform/index.ts'
import type { CoreDb, CoreExecutor } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import { type OrganizationBody, presentOrganization } from './schemas.ts'
import { findRequest, type KeyedRequest, type Organization, recordResponse } from './store.ts'

/** What a request for a new organization is answered with. */
export interface Creation {
  readonly organization: OrganizationBody
  /** It is the answer to an earlier request with the same key. */
  readonly isReplay: boolean
}

/** What an earlier request with the same key and body came to. */
export interface EarlierRequest {
  readonly organizationId: Id
  /** How it was answered; `undefined` when it failed, died, or was told to wait. */
  readonly answer: OrganizationBody | undefined
}

/**
 * Makes what is kept of a request that has a key.
 *
 * @param wish with its name normalized, so that two spellings of one body are one body
 */
export function keyedRequest(
  owner: CoreUser,
  key: string,
  { name, slug }: { name: string; slug: string | undefined },
): KeyedRequest {
  const body = JSON.stringify({ name, slug })
  return { userId: owner.id, key, hash: createHash('sha256').update(body).digest('hex') }
}

/**
 * Finds what an earlier request with the same key came to; `undefined` when there was none.
 *
 * @param answeredWithinMs after so many milliseconds a request was answered, or is dead
 * @throws organizationErrors.idempotencyMismatch when its body differed, idempotencyConflict while it runs
 */
export async function findEarlier(
  core: CoreExecutor,
  request: KeyedRequest,
  answeredWithinMs: number,
): Promise<EarlierRequest | undefined> {
  const earlier = await findRequest(core, request, answeredWithinMs)
  if (!earlier) return undefined
  if (earlier.hash !== request.hash) throw organizationErrors.idempotencyMismatch()
  const answer = earlier.response as OrganizationBody | null
  if (!answer && earlier.isRunning) throw organizationErrors.idempotencyConflict()
  return { organizationId: earlier.organizationId, answer: answer ?? undefined }
}

/** Answers with an organization; with a key, every final answer is the one that was recorded first. */
export async function answerOnce(
  core: CoreDb,
  organization: Organization,
  request: KeyedRequest | undefined,
): Promise<Creation> {
  const body = presentOrganization(organization)
  const isFinal = organization.status !== 'provisioning'
  if (!request || !isFinal || (await recordResponse(core, request, organization.id, body)))
    return { organization: body, isReplay: false }
  const earlier = await findRequest(core, request, 0)
  const isOther = earlier?.organizationId === organization.id && earlier.response
  return isOther
    ? { organization: earlier.response as OrganizationBody, isReplay: true }
    : { organization: body, isReplay: false }
}
