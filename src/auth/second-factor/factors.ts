import { recordAudit } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { type Clock, newId, type SecretBox } from '../../platform/index.ts'
import { lockAccount } from '../accounts/store.ts'
import { byUser, secondFactorSet } from '../audit.ts'
import type { AuthEvents } from '../events.ts'
import { secondFactorErrors } from './errors.ts'
import { type FactorOwner, sealContext } from './owner.ts'
import { type Proofs, wrongCode } from './proof.ts'
import { newRecoveryCodes } from './recovery-codes.ts'
import {
  confirmFactor,
  deleteFactor,
  type FactorSummary,
  findTotp,
  forgetTries,
  replaceRecoveryCodes,
  summarize,
  upsertTotp,
} from './store.ts'
import { tellOfFactor } from './tell.ts'
import { newTotpSecret, presentTotpSecret, stepOf } from './totp.ts'

/** What people do with their own factors. */
export interface Factors {
  /**
   * Makes a secret for an authenticator app, instead of one that was never confirmed. It does not count yet.
   *
   * @param account how the app calls it
   * @throws secondFactorErrors.secondFactorActive
   */
  begin(owner: FactorOwner, account: string): Promise<{ secret: string; uri: string }>
  /**
   * Lets the app count, once a code shows that it works, and gives the recovery codes.
   *
   * @throws authErrors.invalidCredentials, secondFactorActive; httpErrors.rateLimited
   */
  confirm(owner: FactorOwner, code: string): Promise<string[]>
  summarize(owner: FactorOwner): Promise<FactorSummary>
  /** @throws secondFactorErrors.noSecondFactor */
  renewRecoveryCodes(owner: FactorOwner): Promise<string[]>
  /** @throws secondFactorErrors.noSecondFactor */
  remove(owner: FactorOwner): Promise<void>
}

export interface FactorOptions {
  readonly box: SecretBox
  readonly clock: Clock
  readonly proofs: Proofs
  readonly events: Publisher<AuthEvents>
}

/** How authenticator apps call the platform. */
const ISSUER = 'Tenantry'

export function createFactors({ box, clock, proofs, events }: FactorOptions): Factors {
  return {
    begin: async (owner, account) => {
      const secret = newTotpSecret()
      const sealedSecret = box.seal(secret, sealContext(owner)).toString('base64')
      const totp = { id: newId(), userId: owner.userId, sealedSecret }
      if (!(await upsertTotp(owner.realm.db, totp))) throw secondFactorErrors.secondFactorActive()
      return presentTotpSecret(secret, { issuer: ISSUER, account })
    },
    confirm: async (owner, code) => {
      const { realm, userId } = owner
      const factor = await findTotp(realm.db, userId)
      if (factor?.confirmedAt) throw secondFactorErrors.secondFactorActive()
      if (!factor) throw wrongCode()
      await proofs.spend(owner)
      const secret = box.open(Buffer.from(factor.sealedSecret, 'base64'), sealContext(owner))
      const step = stepOf(secret, code, clock.now())
      if (step === undefined) throw wrongCode()
      const codes = newRecoveryCodes()
      const hashes = codes.map((one) => proofs.hash(owner, one))
      const isConfirmed = await realm.db.transaction(async (tx) => {
        await lockAccount(tx, userId)
        if (!(await confirmFactor(tx, factor.id, step))) return false
        await replaceRecoveryCodes(tx, userId, hashes)
        await forgetTries(tx, userId)
        await recordAudit(tx, secondFactorSet('second_factor.enabled', userId, 'totp'))
        return true
      })
      if (!isConfirmed) throw wrongCode()
      tellOfFactor(events, owner, 'second_factor.enabled')
      return codes
    },
    summarize: ({ realm, userId }) => summarize(realm.db, userId),
    renewRecoveryCodes: async (owner) => {
      const { realm, userId } = owner
      const codes = newRecoveryCodes()
      const hashes = codes.map((one) => proofs.hash(owner, one))
      await realm.db.transaction(async (tx) => {
        await lockAccount(tx, userId)
        if (!(await replaceRecoveryCodes(tx, userId, hashes))) throw secondFactorErrors.noSecondFactor()
        await recordAudit(tx, byUser('second_factor.recovery_codes_renewed', userId))
      })
      tellOfFactor(events, owner, 'second_factor.recovery_codes_renewed')
      return codes
    },
    remove: async (owner) => {
      const { realm, userId } = owner
      await realm.db.transaction(async (tx) => {
        await lockAccount(tx, userId)
        if (!(await deleteFactor(tx, userId, 'totp'))) throw secondFactorErrors.noSecondFactor()
        await recordAudit(tx, secondFactorSet('second_factor.disabled', userId, 'totp'))
      })
      tellOfFactor(events, owner, 'second_factor.disabled')
    },
  }
}
