import type { Id } from '../../platform/index.ts'
import type { CoreExecutor } from '../../tenancy/index.ts'
import { summarize } from '../second-factor/store.ts'
import type { FactorKind } from '../second-factor/tables.ts'
import { countLiveSessions } from '../sessions/store.ts'

/** What secures a platform account, without any secret of it. */
export interface AccountSummary {
  /** Kinds of the second factors that count, one for each. */
  readonly factors: readonly FactorKind[]
  readonly recoveryCodesLeft: number
  readonly liveSessions: number
}

/** What secures the account of a platform user. */
export async function summarizeAccount(core: CoreExecutor, userId: Id): Promise<AccountSummary> {
  const { factors, recoveryCodesLeft } = await summarize(core, userId)
  const liveSessions = await countLiveSessions(core, userId)
  return { factors: factors.map(({ kind }) => kind).sort(), recoveryCodesLeft, liveSessions }
}
