import type { Repeats } from '../../audit/index.ts'
import type { AuthEvents, Sessions } from '../../auth/index.ts'
import type { Config } from '../../config.ts'
import type { Publisher } from '../../events/index.ts'
import type { Logger, SecretBox } from '../../platform/index.ts'
import type { CoreDb, Tenancy } from '../../tenancy/index.ts'
import type { Providers } from '../provider/providers.ts'

/** What signing in through a provider takes. */
export interface SignInOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'enter' | 'find'>
  readonly sessions: Sessions
  readonly box: SecretBox
  readonly providers: Providers
  /** Derives what an attempt needs besides its state. */
  readonly key: Buffer
  readonly config: Config['sso']
  readonly events: Publisher<AuthEvents>
  /** Where sign-ins are noted that failed. */
  readonly repeats: Repeats
  readonly log: Logger
}
