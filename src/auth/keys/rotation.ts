import { type ActorKind, recordAudit } from '../../audit/index.ts'
import { postgresError, type SecretBox, SQLSTATE } from '../../platform/index.ts'
import type { CoreDb, CoreTx } from '../../tenancy/index.ts'
import { authAudit } from '../audit.ts'
import { generateKey, SigningKeyError } from './key-pair.ts'
import { unservedAudiences } from './key-set.ts'
import {
  changeSigningKey,
  insertSigningKey,
  type KeyRecord,
  listSigningKeys,
  lockSigningKeys,
  readMoment,
} from './store.ts'
import { AUDIENCES, type Audience } from './tables.ts'

/** Where keys lie. The secret must have opened one of them: what is sealed with another one serves nobody. */
export interface KeyDatabase {
  readonly core: CoreDb
  readonly box: SecretBox
}

/** What a rotation led to for one audience. */
export interface Rotated {
  readonly audience: Audience
  /** The key that signs now or next. */
  readonly kid: string
  readonly signsFrom: Date
  /** False when another rotation had done it already. */
  readonly changed: boolean
}

/** What a revocation led to. */
export interface Revoked {
  readonly kid: string
  readonly audience: Audience
  /** The key that signs in its place; `undefined` where it did not sign. */
  readonly successor: string | undefined
  /** False when it had been revoked already. */
  readonly changed: boolean
}

/** Another process changes the keys, and does not come to an end. */
export class KeysLockedError extends Error {
  override readonly name = 'KeysLockedError'
}

const HOUR_MS = 3_600_000
/** Longer than anybody keeps a copy of the published keys. */
const OVERLAP_MS = 24 * HOUR_MS
const SIGNING_MS = 30 * 24 * HOUR_MS
/** The longest that any access token lives, whatever a process's `ACCESS_TOKEN_TTL` is. */
const LONGEST_TOKEN_MS = 900_000

/** Makes the keys that are missing: the first process on a core database does. */
export async function makeMissingKeys({ core, box }: KeyDatabase): Promise<void> {
  if (unservedAudiences(await listSigningKeys(core)).length === 0) return
  await alone(core, async (tx, moment, records) => {
    for (const audience of unservedAudiences(records)) await insertKey({ tx, box }, audience, moment)
  })
}

/**
 * Publishes the next key, which signs in 24 hours, or lets the next one sign at once. Rotations that run at the same
 * time lead to one key.
 *
 * @param known the keys that sign as far as the caller knows, by audience: where another one signs by now, somebody else
 *   was faster, and nothing is done
 * @throws KeysLockedError
 */
export async function rotateKeys(
  { core, box }: KeyDatabase,
  known: ReadonlyMap<Audience, string>,
  atOnce: boolean,
): Promise<Rotated[]> {
  return await alone(core, async (tx, moment, records) => {
    const rotated: Rotated[] = []
    for (const [audience, kid] of known) {
      const current = signerOf(records, audience)
      const next = nextOf(records, audience)
      const standing = standingKey({ current, next, known: kid, atOnce })
      const signsFrom = standing?.signsFrom ?? later(moment, atOnce ? 0 : OVERLAP_MS)
      const successor = standing?.kid ?? (await succeed({ tx, box }, current, next, signsFrom))
      rotated.push({ audience, kid: successor, signsFrom, changed: standing === undefined })
    }
    await recordRotations(tx, rotated, 'operator', atOnce)
    return rotated
  })
}

/** What makes a rotation needless: a next key, or for one that is to happen at once another key that signs already. */
function standingKey(seen: {
  readonly current: KeyRecord
  readonly next: KeyRecord | undefined
  readonly known: string
  readonly atOnce: boolean
}): KeyRecord | undefined {
  if (seen.next && !seen.atOnce) return seen.next
  return seen.current.kid === seen.known ? undefined : seen.current
}

/** Publishes the next key of each audience 24 hours before the present one has signed for 30 days. */
export async function rotateWhenDue({ core, box }: KeyDatabase): Promise<Rotated[]> {
  const isDue = (records: readonly KeyRecord[], audience: Audience, moment: Date) =>
    !nextOf(records, audience) && publishesAt(signerOf(records, audience)) <= moment
  // Looking takes no lock, so that many workers may look often.
  const [records, moment] = await core.transaction(
    async (tx) => [await listSigningKeys(tx), await readMoment(tx)] as const,
  )
  if (!AUDIENCES.some((audience) => isDue(records, audience, moment))) return []
  return await alone(core, async (tx, moment, records) => {
    const rotated: Rotated[] = []
    for (const audience of AUDIENCES.filter((one) => isDue(records, one, moment))) {
      const current = signerOf(records, audience)
      const planned = later(current.signsFrom, SIGNING_MS)
      const soonest = later(moment, OVERLAP_MS)
      const signsFrom = planned > soonest ? planned : soonest
      const kid = await succeed({ tx, box }, current, undefined, signsFrom)
      rotated.push({ audience, kid, signsFrom, changed: true })
    }
    await recordRotations(tx, rotated, 'system', false)
    return rotated
  })
}

/**
 * Makes every token that a key signed worthless, and takes its private part out of the database. When it is the one that
 * signs, the next one, or a new one, takes over in the same transaction.
 *
 * @returns `undefined` when there is no such key
 * @throws KeysLockedError
 */
export async function revokeKey({ core, box }: KeyDatabase, kid: string): Promise<Revoked | undefined> {
  return await alone(core, async (tx, moment, records) => {
    const key = records.find((one) => one.kid === kid)
    if (!key) return undefined
    const { audience, state } = key
    if (state === 'revoked') return { kid, audience, successor: undefined, changed: false }
    const current = signerOf(records, audience)
    let successor: string | undefined
    if (current.kid === kid)
      successor = await succeed({ tx, box }, current, nextOf(records, audience), moment)
    // The one that signs goes on, and gets another successor when it is time.
    if (state === 'next' && current.kid !== kid)
      await changeSigningKey(tx, current.kid, { signsUntil: null, verifiesUntil: null })
    await changeSigningKey(tx, kid, { revokedAt: moment, sealedPrivateKey: '' })
    const target = { kind: 'signing_key', id: kid }
    await recordAudit(tx, authAudit('key.revoked', { actor: OPERATOR, target, details: { audience } }))
    return { kid, audience, successor, changed: true }
  })
}

const OPERATOR = { kind: 'operator' } as const

async function recordRotations(tx: CoreTx, rotated: readonly Rotated[], kind: ActorKind, atOnce: boolean) {
  for (const { audience, kid, changed } of rotated) {
    if (!changed) continue
    const target = { kind: 'signing_key', id: kid }
    const details = { audience, at_once: atOnce }
    await recordAudit(tx, authAudit('key.rotated', { actor: { kind }, target, details }))
  }
}

/** Runs `work` while nobody else changes keys, with the keys and the database's time as they are then. */
async function alone<T>(
  core: CoreDb,
  work: (tx: CoreTx, moment: Date, records: readonly KeyRecord[]) => Promise<T>,
): Promise<T> {
  try {
    return await core.transaction(async (tx) => {
      await lockSigningKeys(tx)
      return await work(tx, await readMoment(tx), await listSigningKeys(tx))
    })
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.lockNotAvailable) throw error
    throw new KeysLockedError('The signing keys are being changed elsewhere. Try again.', { cause: error })
  }
}

interface Change {
  readonly tx: CoreTx
  readonly box: SecretBox
}

/** Lets `next`, or a new key where there is none, sign from a moment on, when `current` ends. Gives its id. */
async function succeed(
  { tx, box }: Change,
  current: KeyRecord,
  next: KeyRecord | undefined,
  signsFrom: Date,
): Promise<string> {
  const verifiesUntil = later(signsFrom, OVERLAP_MS + LONGEST_TOKEN_MS)
  await changeSigningKey(tx, current.kid, { signsUntil: signsFrom, verifiesUntil })
  if (!next) return await insertKey({ tx, box }, current.audience, signsFrom)
  await changeSigningKey(tx, next.kid, { signsFrom })
  return next.kid
}

async function insertKey({ tx, box }: Change, audience: Audience, signsFrom: Date): Promise<string> {
  const key = await generateKey(audience, box)
  await insertSigningKey(tx, { ...key, signsFrom })
  return key.kid
}

function publishesAt({ signsFrom }: KeyRecord): Date {
  return later(signsFrom, SIGNING_MS - OVERLAP_MS)
}

function later(moment: Date, ms: number): Date {
  return new Date(moment.getTime() + ms)
}

function nextOf(records: readonly KeyRecord[], audience: Audience): KeyRecord | undefined {
  return records.find((key) => key.audience === audience && key.state === 'next')
}

function signerOf(records: readonly KeyRecord[], audience: Audience): KeyRecord {
  const signer = records.findLast((key) => key.audience === audience && key.state === 'signing')
  if (!signer) throw new SigningKeyError(`There is no signing key for ${audience} tokens.`)
  return signer
}
