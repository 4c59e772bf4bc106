import type { Repeats } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import type { Logger } from '../../platform/index.ts'
import { passkeyCloneSuspected } from '../audit.ts'
import type { AuthEvents } from '../events.ts'
import type { FactorOwner } from '../second-factor/owner.ts'
import type { Amr } from '../sessions/tables.ts'
import { type ChallengeUse, newChallenge, takeChallenge } from './challenges.ts'
import type { RelyingParty } from './relying-party.ts'
import { findPasskey, listPasskeys, type Passkey, usePasskey } from './store.ts'
import type { Assertion } from './types.ts'
import { userOfHandle } from './user-handle.ts'

/** What is asked of passkeys, and whether they answered. */
export interface Assertions {
  /**
   * Has something signed by one of a user's passkeys; `undefined` where there is none.
   *
   * @throws passkeyErrors.passkeysOff
   */
  ask(use: ChallengeUse, owner: FactorOwner): Promise<RequestOptions | undefined>
  /**
   * Has something signed by whatever passkey there is: nothing is told about accounts.
   *
   * @throws passkeyErrors.passkeysOff
   */
  askAnyone(use: ChallengeUse): Promise<RequestOptions>
  /** Uses a challenge up, for good or ill: gives what was to be signed. */
  take(use: ChallengeUse, assertion: Assertion): Promise<string | undefined>
  /**
   * Checks what was signed by a user's own passkey, and says how it proves who the user is; `undefined` where it does not.
   *
   * @param challenge just taken
   * @throws passkeyErrors.passkeysOff
   */
  check(owner: FactorOwner, assertion: Assertion, challenge: string): Promise<readonly Amr[] | undefined>
}

type RequestOptions = Awaited<ReturnType<RelyingParty['requestOptions']>>

export interface AssertionOptions {
  readonly relyingParty: RelyingParty
  readonly events: Publisher<AuthEvents>
  readonly repeats: Repeats
  readonly log: Logger
}

export function createAssertions(options: AssertionOptions): Assertions {
  const { relyingParty } = options
  return {
    ask: async (use, { realm, userId }) => {
      const known = await listPasskeys(realm.db, userId)
      if (known.length === 0) return undefined
      relyingParty.requireOn()
      return await relyingParty.requestOptions(await newChallenge(use), known)
    },
    askAnyone: async (use) => {
      relyingParty.requireOn()
      return await relyingParty.requestOptions(await newChallenge(use))
    },
    take: (use, assertion) => takeChallenge(use, assertion.clientDataJson),
    check: async (owner, assertion, challenge) => {
      const { realm, userId } = owner
      const { userHandle } = assertion
      if (userHandle !== undefined && userOfHandle(userHandle) !== userId) return undefined
      const passkey = await findPasskey(realm.db, userId, assertion.id)
      const use = passkey && (await relyingParty.checkAssertion(assertion, challenge, passkey))
      if (!passkey || !use) return undefined
      if (await usePasskey(realm.db, passkey.id, use)) return methodsOf(passkey)
      await tellOfClone(options, owner, passkey)
      return undefined
    },
  }
}

/** How a passkey proves who its user is, RFC 8176. It shows that the user was verified, so it is more than one factor. */
export function methodsOf({ isBackupEligible }: Pick<Passkey, 'isBackupEligible'>): readonly Amr[] {
  return [isBackupEligible ? 'swk' : 'hwk', 'user']
}

/** Two authenticators count apart from each other: one of them is a copy, and nobody knows which. */
async function tellOfClone(
  { events, repeats, log }: AssertionOptions,
  { realm, userId }: FactorOwner,
  { credentialId, id: passkeyId }: Passkey,
): Promise<void> {
  const isThere = (await findPasskey(realm.db, userId, credentialId)) !== undefined
  // It was removed at this moment.
  if (!isThere) return
  const { scope } = realm
  log.warn({ user_id: userId, passkey_id: passkeyId, scope }, 'the counter of a passkey went back: refused')
  repeats.note(realm.db, `clone of passkey ${passkeyId}`, passkeyCloneSuspected(userId, passkeyId))
  events.publish(
    'passkey.clone_suspected',
    { userId, passkeyId, scope },
    'tenantId' in realm.db ? realm.db.tenantId : undefined,
  )
}
