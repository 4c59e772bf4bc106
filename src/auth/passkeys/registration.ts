import { recordAudit, recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import { type Id, newId } from '../../platform/index.ts'
import { lockAccount } from '../accounts/store.ts'
import { passkeyRenamed, secondFactorSet } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { AuthEvents } from '../events.ts'
import type { FactorOwner } from '../second-factor/owner.ts'
import type { Proofs } from '../second-factor/proof.ts'
import { newRecoveryCodes } from '../second-factor/recovery-codes.ts'
import { deleteFactor, replaceRecoveryCodes, summarize } from '../second-factor/store.ts'
import { tellOfFactor } from '../second-factor/tell.ts'
import type { Amr } from '../sessions/tables.ts'
import { methodsOf } from './assertions.ts'
import { type ChallengeUse, newChallenge, takeChallenge } from './challenges.ts'
import { MAX_PASSKEYS, passkeyErrors } from './errors.ts'
import type { RelyingParty } from './relying-party.ts'
import { countPasskeys, insertPasskey, listPasskeys, type Passkey, renamePasskey } from './store.ts'
import type { Creation } from './types.ts'
import { userHandleOf } from './user-handle.ts'

/** What people do with their own passkeys. */
export interface Passkeys {
  /**
   * Asks an authenticator for a new passkey.
   *
   * @param sessionId where it is made: nowhere else it is taken
   * @throws passkeyErrors.tooManyPasskeys, passkeysOff
   */
  begin(owner: FactorOwner, sessionId: Id, person: Person): Promise<CreationOptions>
  /**
   * Takes a passkey that was made, and gives recovery codes to who has none.
   *
   * @throws authErrors.invalidCredentials; passkeyErrors.passkeyTaken, tooManyPasskeys, passkeysOff
   */
  finish(owner: FactorOwner, sessionId: Id, made: NamedCreation): Promise<FinishedPasskey>
  /** In the order in which they were made. */
  list(owner: FactorOwner): Promise<Passkey[]>
  /** @throws httpErrors.notFound */
  rename(owner: FactorOwner, passkeyId: Id, name: string): Promise<void>
  /** @throws httpErrors.notFound */
  remove(owner: FactorOwner, passkeyId: Id): Promise<void>
}

/** How an authenticator shows whose passkey it is. */
interface Person {
  readonly email: string
  readonly fullName: string | null
}

interface NamedCreation {
  readonly creation: Creation
  readonly name: string
}

interface FinishedPasskey {
  readonly passkey: Passkey
  readonly recoveryCodes: readonly string[]
  /** How the session's user proved by it who it is. */
  readonly methods: readonly Amr[]
}

type CreationOptions = Awaited<ReturnType<RelyingParty['creationOptions']>>

export interface PasskeyOptions {
  readonly relyingParty: RelyingParty
  readonly proofs: Pick<Proofs, 'hash'>
  readonly events: Publisher<AuthEvents>
}

export function createPasskeys(options: PasskeyOptions): Passkeys {
  const { relyingParty, events } = options
  return {
    begin: async (owner, sessionId, { email, fullName }) => {
      relyingParty.requireOn()
      const known = await listPasskeys(owner.realm.db, owner.userId)
      if (known.length >= MAX_PASSKEYS) throw passkeyErrors.tooManyPasskeys()
      const person = { handle: userHandleOf(owner.userId), name: email, displayName: fullName ?? email }
      return await relyingParty.creationOptions(await newChallenge(useOf(owner, sessionId)), person, known)
    },
    finish: (owner, sessionId, made) => finish(options, owner, sessionId, made),
    list: ({ realm, userId }) => listPasskeys(realm.db, userId),
    rename: async ({ realm, userId }, passkeyId, name) => {
      await realm.db.transaction(async (tx) => {
        if (!(await renamePasskey(tx, userId, passkeyId, name))) throw noSuchPasskey()
        await recordAuditLast(tx, passkeyRenamed(userId, passkeyId))
      })
    },
    remove: async (owner, passkeyId) => {
      const { realm, userId } = owner
      await realm.db.transaction(async (tx) => {
        await lockAccount(tx, userId)
        if (!(await deleteFactor(tx, userId, { passkeyId }))) throw noSuchPasskey()
        await recordAudit(tx, secondFactorSet('second_factor.disabled', userId, 'passkey'))
      })
      tellOfFactor(events, owner, 'second_factor.disabled')
    },
  }
}

async function finish(
  options: PasskeyOptions,
  owner: FactorOwner,
  sessionId: Id,
  { creation, name }: NamedCreation,
): Promise<FinishedPasskey> {
  const { relyingParty, proofs, events } = options
  const { realm, userId } = owner
  const challenge = await takeChallenge(useOf(owner, sessionId), creation.clientDataJson)
  const made = challenge === undefined ? undefined : await relyingParty.checkCreation(creation, challenge)
  if (!made) {
    const detail = 'The passkey was not accepted. Ask for new options and try again.'
    throw authErrors.invalidCredentials({ detail })
  }
  const id = newId()
  const { passkey, recoveryCodes } = await realm.db.transaction(async (tx) => {
    // Whoever adds another factor at this moment waits, so that what is counted stays true.
    await lockAccount(tx, userId)
    if ((await countPasskeys(tx, userId)) >= MAX_PASSKEYS) throw passkeyErrors.tooManyPasskeys()
    const { recoveryCodesLeft } = await summarize(tx, userId)
    const codes = recoveryCodesLeft === 0 ? newRecoveryCodes() : []
    const inserted = await insertPasskey(tx, userId, { ...made, id, name })
    if (codes.length > 0) {
      const hashes = codes.map((code) => proofs.hash(owner, code))
      await replaceRecoveryCodes(tx, userId, hashes)
    }
    await recordAudit(tx, secondFactorSet('second_factor.enabled', userId, 'passkey'))
    return { passkey: inserted, recoveryCodes: codes }
  })
  tellOfFactor(events, owner, 'second_factor.enabled')
  return { passkey, recoveryCodes, methods: methodsOf(made) }
}

function useOf({ realm }: FactorOwner, sessionId: Id): ChallengeUse {
  return { db: realm.db, purpose: 'registration', sessionId }
}

function noSuchPasskey() {
  return httpErrors.notFound({ detail: 'You have no such passkey.' })
}
