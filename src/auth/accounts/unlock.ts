import { recordAudit } from '../../audit/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb, TenantDb } from '../../tenancy/index.ts'
import { userAudit } from '../../users/index.ts'
import { realmOf } from '../realm.ts'
import { ownerOf } from '../second-factor/owner.ts'
import { forgetTries } from '../second-factor/store.ts'
import type { Realm } from '../sessions/realm.ts'
import { codesSubject, passwordSubject } from '../throttle/password-subject.ts'
import { subjectsOf } from '../throttle/subjects.ts'
import type { Subject, Throttle } from '../throttle/throttle.ts'
import { type Account, findAccountByEmail } from './store.ts'

/** Whose failures were forgotten. */
export interface Unlocked {
  readonly userId: Id
  /** Of how many things that are counted apart (sign-ins, passwords, codes) there had been failures. */
  readonly forgiven: number
}

/**
 * Makes what forgets all failed attempts at an account, on the platform or in one organization, so that its owner may try
 * again at once. Of a linked user those count too that are counted on the platform.
 *
 * @returns undefined where nobody has this address, which is canonical
 */
export function createUnlock({ core, throttle }: { core: CoreDb; throttle: Pick<Throttle, 'forgiveIn'> }) {
  return async (email: string, tenant?: TenantDb): Promise<Unlocked | undefined> => {
    const realm = realmOf(core, tenant)
    const account = await findAccountByEmail(realm.db, email)
    if (!account) return undefined
    const owner = ownerOf(core, realm, account)
    if (owner.realm.scope === 'tenant') await forgetTries(owner.realm.db, owner.userId)
    const forgiven = await core.transaction(async (tx) => {
      if (owner.realm.scope === 'core') await forgetTries(tx, owner.userId)
      const count = await throttle.forgiveIn(tx, ...everySubject(core, realm, account))
      await recordAudit(
        tx,
        userAudit('user.unlocked', {
          actor: { kind: 'operator' },
          target: { kind: 'user', id: account.id },
          details: { forgiven: count, ...(tenant && { organization: tenant.tenantId }) },
        }),
      )
      return count
    })
    return { userId: account.id, forgiven }
  }
}

function everySubject(core: CoreDb, realm: Realm, account: Account): readonly Subject[] {
  const { coreUserId } = account
  const { realm: factorRealm, userId } = ownerOf(core, realm, account)
  const ofPlatform: readonly Subject[] =
    coreUserId === null
      ? []
      : [passwordSubject({ scope: 'core', db: core }, coreUserId), { purpose: 'linked', who: coreUserId }]
  return [...subjectsOf(realm, account), ...ofPlatform, codesSubject(factorRealm, userId)]
}
